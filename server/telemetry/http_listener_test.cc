#include "server/telemetry/http_listener.h"

#include <atomic>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "httplib.h"

namespace onhand::telemetry {
namespace {

class HttpListenerTest : public testing::Test {
 protected:
  void SetUp() override {
    auto started = HttpListener::Start(
        "127.0.0.1", 0,
        {.ready =
             [this] {
               return ready_.load() ? absl::OkStatus() : absl::UnavailableError("draining");
             },
         .metrics = [] { return std::string("onhand_revision 7\n"); }});
    ASSERT_TRUE(started.ok()) << started.status();
    listener_ = *std::move(started);
  }

  httplib::Result Get(const std::string& path) {
    httplib::Client client("127.0.0.1", listener_->port());
    return client.Get(path.c_str());
  }

  std::atomic<bool> ready_{true};
  std::unique_ptr<HttpListener> listener_;
};

TEST_F(HttpListenerTest, LivesAndIsReady) {
  EXPECT_EQ(Get("/healthz")->status, 200);
  EXPECT_EQ(Get("/readyz")->status, 200);
}

TEST_F(HttpListenerTest, ADrainingHubLivesButIsNotReadyAndSaysWhy) {
  ready_ = false;
  EXPECT_EQ(Get("/healthz")->status, 200);
  const auto answer = Get("/readyz");
  EXPECT_EQ(answer->status, 503);
  EXPECT_EQ(answer->body, "draining\n");
}

TEST_F(HttpListenerTest, ServesMetricsInTheTextFormat) {
  const auto answer = Get("/metrics");
  EXPECT_EQ(answer->status, 200);
  EXPECT_THAT(answer->get_header_value("Content-Type"), testing::HasSubstr("version=0.0.4"));
  EXPECT_EQ(answer->body, "onhand_revision 7\n");
}

TEST_F(HttpListenerTest, APortThatIsTakenIsAnError) {
  const auto second = HttpListener::Start("127.0.0.1", listener_->port(), {});
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.status().code(), absl::StatusCode::kUnavailable);
}

}  // namespace
}  // namespace onhand::telemetry
