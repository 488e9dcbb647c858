// The commands about webhooks, as typed.
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "clients/cli/fake_services.h"
#include "gtest/gtest.h"
#include "onhand/v1/webhooks.grpc.pb.h"

namespace onhand::cli {
namespace {

class FakeWebhooks final : public v1::WebhookService::Service {
 public:
  grpc::Status SetWebhook(grpc::ServerContext*, const v1::SetWebhookRequest* request,
                          v1::SetWebhookResponse* response) override {
    set = *request;
    *response->mutable_webhook() = request->webhook();
    response->mutable_webhook()->clear_secret();
    return grpc::Status::OK;
  }
  grpc::Status ListWebhooks(grpc::ServerContext*, const v1::ListWebhooksRequest*,
                            v1::ListWebhooksResponse* response) override {
    v1::Webhook& webhook = *response->add_webhooks();
    webhook.set_webhook_id("shop");
    webhook.set_url("https://shop.example/hook");
    webhook.set_state(v1::WEBHOOK_STATE_FAILING);
    webhook.set_problem("it answered 500");
    webhook.add_skus("ball");
    return grpc::Status::OK;
  }
  grpc::Status DeleteWebhook(grpc::ServerContext*, const v1::DeleteWebhookRequest* request,
                             v1::DeleteWebhookResponse*) override {
    deleted = request->webhook_id();
    return grpc::Status::OK;
  }
  grpc::Status TestWebhook(grpc::ServerContext*, const v1::TestWebhookRequest*,
                           v1::TestWebhookResponse* response) override {
    *response = tested;
    return grpc::Status::OK;
  }

  v1::SetWebhookRequest set;
  std::string deleted;
  v1::TestWebhookResponse tested;
};

class WebhookCommandTest : public CommandTest {
 protected:
  std::vector<grpc::Service*> Services() override { return {&webhooks_}; }
  FakeWebhooks webhooks_;
};

TEST_F(WebhookCommandTest, SetTakesTheSecretFromAFile) {
  const std::string file = WriteFile("secret", "whsec_abc\n");
  EXPECT_EQ(Onhand({"webhook", "set", "shop", "https://shop.example/hook", "--secret-file", file,
                    "--sku", "ball", "--sku", "boot", "--location", "mad", "--author", "Ana",
                    "--reason", "website"}),
            kExitDone);
  EXPECT_EQ(webhooks_.set.webhook().secret(), "whsec_abc");
  EXPECT_EQ(webhooks_.set.webhook().skus_size(), 2);
  EXPECT_EQ(webhooks_.set.webhook().location_id(), "mad");
  EXPECT_EQ(webhooks_.set.author(), "Ana");
  EXPECT_EQ(out_, "Changes of ball, boot go to https://shop.example/hook from now on.\n");
  EXPECT_EQ(Onhand({"webhook", "set", "shop", "https://a.example", "--secret-file", "/nowhere"}),
            kExitUsage);
}

TEST_F(WebhookCommandTest, SetMakesASecretAndPrintsItOnce) {
  EXPECT_EQ(Onhand({"webhook", "set", "shop", "https://shop.example/hook", "--new-secret"}),
            kExitDone);
  const std::string secret = webhooks_.set.webhook().secret();
  std::string bytes;
  ASSERT_TRUE(absl::StartsWith(secret, "whsec_"));
  EXPECT_TRUE(absl::Base64Unescape(secret.substr(6), &bytes));
  EXPECT_EQ(bytes.size(), 32u);
  EXPECT_TRUE(absl::StrContains(out_, secret));
}

TEST_F(WebhookCommandTest, ListShowsWhatFails) {
  EXPECT_EQ(Onhand({"webhook", "list"}), kExitDone);
  EXPECT_TRUE(absl::StrContains(out_, "shop")) << out_;
  EXPECT_TRUE(absl::StrContains(out_, "failing")) << out_;
  EXPECT_TRUE(absl::StrContains(out_, "it answered 500")) << out_;
}

TEST_F(WebhookCommandTest, DeleteNamesTheWebhook) {
  EXPECT_EQ(Onhand({"webhook", "delete", "shop"}), kExitDone);
  EXPECT_EQ(webhooks_.deleted, "shop");
}

TEST_F(WebhookCommandTest, TestFailsIfItWasNotTaken) {
  webhooks_.tested.set_problem("it answered 500");
  EXPECT_EQ(Onhand({"webhook", "test", "shop"}), kExitRefused);
  EXPECT_TRUE(absl::StrContains(err_, "it answered 500")) << err_;
  webhooks_.tested.set_delivered(true);
  webhooks_.tested.set_http_status(204);
  webhooks_.tested.set_duration_ms(3);
  EXPECT_EQ(Onhand({"webhook", "test", "shop"}), kExitDone);
  EXPECT_EQ(out_, "Taken with 204 after 3 ms.\n");
}

}  // namespace
}  // namespace onhand::cli
