// Webhooks against real receivers on this machine: they verify, fail, are slow, and come back.
#include "server/hooks/sender.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/text_format.h"
#include "google/protobuf/util/json_util.h"
#include "httplib.h"
#include "server/hooks/sign.h"
#include "server/ledger/decide_catalog.h"
#include "server/ledger/decide_stock.h"
#include "server/ledger/decide_webhooks.h"
#include "server/ledger/refusal.h"
#include "storage/memory/memory_store.h"

namespace onhand::hooks {
namespace {

const char kSecretBytes[] = "01234567890123456789012345678901";
const char kSecret[] = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";

template <class Message>
Message FromText(const std::string& text) {
  Message message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message)) << text;
  return message;
}

template <class Condition>
void Await(Condition holds) {
  for (int i = 0; i < 10'000 && !holds(); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  ASSERT_TRUE(holds());
}

// What somebody runs who asked for deliveries. Checks every signature.
class Receiver {
 public:
  using Answer = std::function<void(int attempt, httplib::Response&)>;

  explicit Receiver(std::unique_ptr<httplib::Server> server = std::make_unique<httplib::Server>())
      : server_(std::move(server)) {
    server_->Post("/hook", [this](const httplib::Request& request, httplib::Response& response) {
      Take(request, response);
    });
    server_->Post("/elsewhere",
                  [this](const httplib::Request&, httplib::Response&) { redirected_ = true; });
    Start();
  }
  ~Receiver() { Stop(); }

  void Start() {
    port_ = port_ == 0 ? server_->bind_to_any_port("127.0.0.1") : port_;
    thread_ = std::thread([this] { server_->listen_after_bind(); });
    while (!server_->is_running()) std::this_thread::yield();
  }
  void Stop() {
    if (!thread_.joinable()) return;
    server_->stop();
    thread_.join();
  }
  std::string url(const std::string& scheme = "http") const {
    return absl::StrCat(scheme, "://127.0.0.1:", port_, "/hook");
  }
  void set_answer(Answer answer) {
    absl::MutexLock lock(&mutex_);
    answer_ = std::move(answer);
  }

  // Bodies of deliveries that were taken, in order.
  std::vector<std::string> taken() const {
    absl::MutexLock lock(&mutex_);
    return taken_;
  }
  std::vector<std::string> ids() const {
    absl::MutexLock lock(&mutex_);
    return ids_;
  }
  bool redirected() const { return redirected_; }
  // Of the last taken delivery that tells of the SKU; -1: none does.
  int UnitsOf(const std::string& sku) const {
    int units = -1;
    for (const std::string& body : taken()) {
      google::protobuf::Struct event;
      EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(body, &event).ok()) << body;
      const auto& data = event.fields().at("data").struct_value().fields();
      if (data.count("changes") == 0) continue;
      for (const auto& change : data.at("changes").list_value().values()) {
        const auto& fields = change.struct_value().fields();
        if (fields.at("sku").string_value() != sku) continue;
        units = static_cast<int>(fields.at("maxQuantity").number_value());
      }
    }
    return units;
  }
  int CountOf(const std::string& type) const {
    int count = 0;
    for (const std::string& body : taken()) {
      count += body.find(absl::StrCat("{\"type\":\"", type, "\"")) == 0 ? 1 : 0;
    }
    return count;
  }

 private:
  void Take(const httplib::Request& request, httplib::Response& response) {
    const std::string id = request.get_header_value("webhook-id");
    int64_t timestamp_s = 0;
    EXPECT_TRUE(absl::SimpleAtoi(request.get_header_value("webhook-timestamp"), &timestamp_s));
    EXPECT_LE(std::abs(timestamp_s - absl::ToUnixSeconds(absl::Now())), 5);
    EXPECT_EQ(request.get_header_value("webhook-signature"),
              Sign(kSecretBytes, id, timestamp_s, request.body));
    EXPECT_EQ(request.get_header_value("Content-Type"), "application/json");
    Answer answer;
    int attempt = 0;
    {
      absl::MutexLock lock(&mutex_);
      ids_.push_back(id);
      attempt = static_cast<int>(ids_.size());
      answer = answer_;
    }
    response.status = 204;
    if (answer) answer(attempt, response);
    absl::MutexLock lock(&mutex_);
    if (response.status == 204) taken_.push_back(request.body);
  }

  const std::unique_ptr<httplib::Server> server_;
  int port_ = 0;
  std::thread thread_;
  std::atomic<bool> redirected_{false};
  mutable absl::Mutex mutex_;
  Answer answer_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::string> taken_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::string> ids_ ABSL_GUARDED_BY(mutex_);
};

class SenderTest : public testing::Test {
 protected:
  SenderTest() {
    options_.post.allow_private = true;
    options_.retry_first = std::chrono::milliseconds(20);
    options_.keep_every = std::chrono::milliseconds(0);
    Open();
    Ask([](ledger::Group& group) {
      EXPECT_TRUE(ledger::DecideUpsertLocations(
                      group,
                      FromText<v1::BatchUpsertLocationsRequest>(
                          "locations { location_id: 'm1' name: 'M1' time_zone: 'UTC' }"),
                      [](absl::string_view) { return true; })
                      .ok());
      EXPECT_TRUE(
          ledger::DecideUpsertChannels(group, FromText<v1::BatchUpsertChannelsRequest>(
                                                  "channels { channel_id: 'web' name: 'Web' "
                                                  "kind: CHANNEL_KIND_SHIP }"))
              .ok());
      EXPECT_TRUE(
          ledger::DecideUpsertItems(
              group, FromText<v1::BatchUpsertItemsRequest>(
                         "items { sku: 'ball' name: 'Ball' published: true category: 'a' } "
                         "items { sku: 'boot' name: 'Boot' published: true category: 'b' }"))
              .ok());
    });
  }
  ~SenderTest() override { Close(); }

  void Open() {
    store_ = storage::NewMemoryStore(database_);
    ASSERT_TRUE(store_->Migrate().ok());
    hub_ = *hub::Hub::Start(store_.get(), &clock_, {});
    watch_ = std::make_unique<hub::Watch>(hub_.get());
    sender_ = std::make_unique<Sender>(hub_.get(), watch_.get(), &clock_, options_);
  }
  void Close() {
    sender_.reset();
    watch_.reset();
    hub_.reset();
    store_.reset();
  }
  template <class Decide>
  void Ask(Decide decide) {
    std::promise<absl::Status> answered;
    hub_->Submit(
        {.decide = [&](ledger::Group& group) -> absl::StatusOr<std::string> {
           decide(group);
           return "";
         },
         .done = [&](absl::StatusOr<std::string> answer) { answered.set_value(answer.status()); }});
    const absl::Status status = answered.get_future().get();
    ASSERT_TRUE(status.ok()) << status;
  }
  void Adjust(const std::string& sku, int64_t units) {
    Ask([&](ledger::Group& group) {
      v1::AdjustRequest request;
      request.set_sku(sku);
      request.set_location_id("m1");
      request.set_kind(v1::MOVEMENT_KIND_ADJUSTMENT);
      request.set_quantity(units);
      EXPECT_TRUE(ledger::DecideAdjust(group, request).ok());
    });
  }
  // Sets the webhook `shop`, and waits until its courier listens.
  void Set(const std::string& url, const std::string& category = "") {
    Ask([&](ledger::Group& group) {
      v1::SetWebhookRequest request;
      v1::Webhook& webhook = *request.mutable_webhook();
      webhook.set_webhook_id("shop");
      webhook.set_url(url);
      webhook.set_secret(kSecret);
      webhook.set_category(category);
      const auto set = ledger::DecideSetWebhook(group, request);
      EXPECT_TRUE(set.ok()) << set.status();
    });
    Await([&] { return !Kept().resume_token().empty(); });
  }
  journal::v1::WebhookDelivered Kept() {
    return hub_->Read([](const ledger::Ledger& ledger) {
      const auto* webhook = ledger.state().webhooks.Find("shop");
      return webhook == nullptr ? journal::v1::WebhookDelivered() : webhook->delivered;
    });
  }
  v1::Webhook Shown() {
    return hub_->Read([](const ledger::Ledger& ledger) {
      const auto* webhook = ledger.state().webhooks.Find("shop");
      return webhook == nullptr ? v1::Webhook() : ledger::WebhookOf(ledger.state(), *webhook);
    });
  }
  absl::StatusOr<v1::TestWebhookResponse> Test(const std::string& webhook_id) {
    std::promise<absl::StatusOr<v1::TestWebhookResponse>> tested;
    sender_->Test(webhook_id, [&](absl::StatusOr<v1::TestWebhookResponse> response) {
      tested.set_value(std::move(response));
    });
    return tested.get_future().get();
  }

  std::shared_ptr<storage::MemoryDatabase> database_ = std::make_shared<storage::MemoryDatabase>();
  hub::HubClock clock_;
  SenderOptions options_;
  std::unique_ptr<storage::Store> store_;
  std::unique_ptr<hub::Hub> hub_;
  std::unique_ptr<hub::Watch> watch_;
  std::unique_ptr<Sender> sender_;
};

TEST_F(SenderTest, ChangesAreDeliveredSigned) {
  Receiver receiver;
  Set(receiver.url());
  Adjust("ball", 3);
  Await([&] { return receiver.UnitsOf("ball") == 3; });
  Await([&] { return Shown().has_delivered_at(); });
  EXPECT_EQ(Shown().state(), v1::WEBHOOK_STATE_HEALTHY);
  EXPECT_EQ(receiver.UnitsOf("boot"), -1);
}

TEST_F(SenderTest, FilterHoldsForDeliveries) {
  Receiver receiver;
  Set(receiver.url(), "b");
  Adjust("ball", 3);
  Adjust("boot", 2);
  Await([&] { return receiver.UnitsOf("boot") == 2; });
  EXPECT_EQ(receiver.UnitsOf("ball"), -1);
}

TEST_F(SenderTest, FailedDeliveryIsRepeatedUnderItsIdBeforeTheNext) {
  Receiver receiver;
  receiver.set_answer([](int attempt, httplib::Response& response) {
    if (attempt <= 3) response.status = 500;
  });
  Set(receiver.url());
  Adjust("ball", 3);
  Await([&] { return Shown().state() == v1::WEBHOOK_STATE_FAILING; });
  EXPECT_EQ(Shown().problem(), "it answered 500");
  Adjust("ball", 1);
  Adjust("boot", 1);
  Await([&] { return receiver.UnitsOf("ball") == 4 && receiver.UnitsOf("boot") == 1; });
  Await([&] { return Shown().state() == v1::WEBHOOK_STATE_HEALTHY; });
  EXPECT_EQ(Shown().problem(), "");
  const std::vector<std::string> ids = receiver.ids();
  ASSERT_GE(ids.size(), 5u);
  for (int i = 1; i < 4; ++i) EXPECT_EQ(ids[i], ids[0]);
  EXPECT_NE(ids[4], ids[0]);
  EXPECT_EQ(receiver.taken()[0].find("\"maxQuantity\":4"), std::string::npos);
}

TEST_F(SenderTest, ReceiverThatIsAwayIsToldWhenItComesBack) {
  auto receiver = std::make_unique<Receiver>();
  Set(receiver->url());
  receiver->Stop();
  Adjust("ball", 3);
  Await([&] { return Shown().state() == v1::WEBHOOK_STATE_FAILING; });
  Adjust("ball", 4);
  receiver.reset();
  // On another port: nobody else can have taken it meanwhile.
  Receiver back;
  Set(back.url());
  Adjust("ball", 1);
  Await([&] { return back.UnitsOf("ball") == 8; });
}

TEST_F(SenderTest, SlowReceiverIsToldTheLatest) {
  options_.post.timeout = std::chrono::milliseconds(5'000);
  Receiver receiver;
  absl::Mutex mutex;
  bool go = false;
  receiver.set_answer([&](int, httplib::Response&) {
    absl::MutexLock lock(&mutex);
    mutex.Await(absl::Condition(&go));
  });
  Set(receiver.url());
  Adjust("ball", 1);
  Await([&] { return receiver.ids().size() == 1; });
  for (int i = 0; i < 20; ++i) Adjust("ball", 1);
  {
    absl::MutexLock lock(&mutex);
    go = true;
  }
  Await([&] { return receiver.UnitsOf("ball") == 21; });
  EXPECT_EQ(receiver.ids().size(), 2u);
}

TEST_F(SenderTest, AttemptThatTakesTooLongHasFailed) {
  Close();
  options_.post.timeout = std::chrono::milliseconds(100);
  Open();
  Receiver receiver;
  receiver.set_answer([](int attempt, httplib::Response&) {
    if (attempt == 1) std::this_thread::sleep_for(std::chrono::milliseconds(400));
  });
  Set(receiver.url());
  Adjust("ball", 1);
  Await([&] { return receiver.ids().size() >= 2; });
  EXPECT_EQ(receiver.ids()[1], receiver.ids()[0]);
}

TEST_F(SenderTest, RestartGoesOnWhereItWas) {
  Receiver receiver;
  Set(receiver.url());
  Adjust("ball", 3);
  Await([&] { return receiver.UnitsOf("ball") == 3 && Shown().has_delivered_at(); });
  Close();
  Open();
  Adjust("ball", 2);
  Await([&] { return receiver.UnitsOf("ball") == 5; });
  EXPECT_EQ(receiver.CountOf("availability.resync"), 0);
}

TEST_F(SenderTest, WhereNobodyKnowsWhatChangedTheReceiverIsToldToReadAnew) {
  Receiver receiver;
  Set(receiver.url(), "a");
  Close();
  Open();
  Await([&] { return receiver.CountOf("availability.resync") == 1; });
  Adjust("ball", 2);
  Await([&] { return receiver.UnitsOf("ball") == 2; });
  EXPECT_EQ(receiver.CountOf("availability.resync"), 1);
}

TEST_F(SenderTest, ReceiverThatIsGoneForGoodIsDisabledUntilItIsSetAnew) {
  Receiver receiver;
  receiver.set_answer([](int attempt, httplib::Response& response) {
    if (attempt == 1) response.status = 410;
  });
  Set(receiver.url());
  Adjust("ball", 1);
  Await([&] { return Shown().state() == v1::WEBHOOK_STATE_DISABLED; });
  Adjust("ball", 1);
  Set(receiver.url());
  Adjust("ball", 1);
  Await([&] { return receiver.UnitsOf("ball") == 3; });
  EXPECT_EQ(Shown().state(), v1::WEBHOOK_STATE_HEALTHY);
}

TEST_F(SenderTest, ReceiverThatFailsForTooLongIsDisabled) {
  Close();
  options_.disable_after = std::chrono::seconds(1);
  Open();
  Receiver receiver;
  receiver.set_answer([](int, httplib::Response& response) { response.status = 503; });
  Set(receiver.url());
  Adjust("ball", 1);
  Await([&] { return Shown().state() == v1::WEBHOOK_STATE_DISABLED; });
  EXPECT_GE(receiver.ids().size(), 3u);
}

TEST_F(SenderTest, RedirectsAreNotFollowed) {
  Receiver receiver;
  receiver.set_answer([](int, httplib::Response& response) {
    response.status = 307;
    response.set_header("Location", "/elsewhere");
  });
  Set(receiver.url());
  const auto tested = Test("shop");
  ASSERT_TRUE(tested.ok()) << tested.status();
  EXPECT_FALSE(tested->delivered());
  EXPECT_EQ(tested->http_status(), 307);
  EXPECT_FALSE(receiver.redirected());
}

TEST_F(SenderTest, TestSaysWhatCameOfIt) {
  Receiver receiver;
  Set(receiver.url());
  auto tested = Test("shop");
  ASSERT_TRUE(tested.ok()) << tested.status();
  EXPECT_TRUE(tested->delivered()) << tested->problem();
  EXPECT_EQ(tested->http_status(), 204);
  EXPECT_EQ(receiver.CountOf("webhook.test"), 1);
  receiver.Stop();
  tested = Test("shop");
  ASSERT_TRUE(tested.ok()) << tested.status();
  EXPECT_FALSE(tested->delivered());
  EXPECT_EQ(tested->http_status(), 0);
  EXPECT_EQ(ledger::ReasonOf(Test("nobody").status()), "UNKNOWN_WEBHOOK");
}

TEST_F(SenderTest, PrivateTargetIsRefusedUnlessAllowed) {
  Close();
  options_.post.allow_private = false;
  Open();
  Receiver receiver;
  Set(receiver.url());
  const auto tested = Test("shop");
  ASSERT_TRUE(tested.ok()) << tested.status();
  EXPECT_FALSE(tested->delivered());
  EXPECT_NE(tested->problem().find("--webhook-allow-private"), std::string::npos)
      << tested->problem();
  EXPECT_TRUE(receiver.ids().empty());
}

// A certificate for 127.0.0.1 that only itself vouches for.
class OwnCertificate {
 public:
  OwnCertificate() {
    key_ = EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256");
    certificate_ = X509_new();
    X509_set_version(certificate_, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate_), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate_), -3'600);
    X509_gmtime_adj(X509_getm_notAfter(certificate_), 3'600);
    X509_set_pubkey(certificate_, key_);
    X509_NAME* name = X509_get_subject_name(certificate_);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>("127.0.0.1"), -1, -1, 0);
    X509_set_issuer_name(certificate_, name);
    X509_EXTENSION* names =
        X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, "IP:127.0.0.1");
    X509_add_ext(certificate_, names, -1);
    X509_EXTENSION_free(names);
    X509_sign(certificate_, key_, EVP_sha256());
    file_ = testing::TempDir() + "/onhand-receiver.pem";
    FILE* file = fopen(file_.c_str(), "w");
    PEM_write_X509(file, certificate_);
    fclose(file);
  }
  ~OwnCertificate() {
    X509_free(certificate_);
    EVP_PKEY_free(key_);
  }
  std::unique_ptr<httplib::Server> NewServer() {
    return std::make_unique<httplib::SSLServer>(certificate_, key_);
  }
  const std::string& file() const { return file_; }

 private:
  EVP_PKEY* key_ = nullptr;
  X509* certificate_ = nullptr;
  std::string file_;
};

TEST_F(SenderTest, CertificatesOfReceiversAreVerified) {
  OwnCertificate certificate;
  Receiver receiver(certificate.NewServer());
  Set(receiver.url("https"));
  auto tested = Test("shop");
  ASSERT_TRUE(tested.ok()) << tested.status();
  EXPECT_FALSE(tested->delivered());
  EXPECT_NE(tested->problem().find("certificate"), std::string::npos) << tested->problem();
  EXPECT_TRUE(receiver.ids().empty());
  Close();
  options_.post.ca_file = certificate.file();
  Open();
  tested = Test("shop");
  ASSERT_TRUE(tested.ok()) << tested.status();
  EXPECT_TRUE(tested->delivered()) << tested->problem();
}

}  // namespace
}  // namespace onhand::hooks
