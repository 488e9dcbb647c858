#include "server/ledger/decide_webhooks.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "absl/strings/str_cat.h"
#include "server/ledger/chain_for_test.h"
#include "server/ledger/encode.h"
#include "server/ledger/refusal.h"
#include "server/ledger/web_address.h"

namespace onhand::ledger {
namespace {

const char kSecret[] = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";

class DecideWebhooks : public testing::Test {
 protected:
  DecideWebhooks() {
    chain_.Location("bilbao");
    chain_.Item("boot");
    const auto made = chain_.Run([](Group& g) {
      return DecideUpsertChannels(g, FromText<v1::BatchUpsertChannelsRequest>(
                                         "channels { channel_id: 'hooked' name: 'Hooked' kind: "
                                         "CHANNEL_KIND_SHIP }"));
    });
    EXPECT_TRUE(made.ok()) << made.status();
  }

  using Edit = std::function<void(v1::Webhook&)>;
  absl::StatusOr<v1::SetWebhookResponse> Set(const Edit& edit = [](v1::Webhook&) {}) {
    v1::SetWebhookRequest request;
    v1::Webhook& webhook = *request.mutable_webhook();
    webhook.set_webhook_id("shop");
    webhook.set_url("https://shop.example/hook");
    webhook.set_secret(kSecret);
    webhook.set_channel_id("hooked");
    edit(webhook);
    return chain_.Run([&](Group& g) { return DecideSetWebhook(g, request); });
  }
  std::string ReasonFor(const Edit& edit) { return ReasonOf(Set(edit).status()); }
  const Webhook* Kept() const { return chain_.state().webhooks.Find("shop"); }

  ChainForTest chain_;
};

TEST_F(DecideWebhooks, KeepsTheSecretAndShowsItToNobody) {
  const auto set = Set([](v1::Webhook& hook) {
    hook.add_skus("boot");
    hook.set_location_id("bilbao");
  });
  ASSERT_TRUE(set.ok()) << set.status();
  EXPECT_EQ(set->webhook().secret(), "");
  EXPECT_EQ(set->webhook().location_id(), "bilbao");
  EXPECT_EQ(set->webhook().state(), v1::WEBHOOK_STATE_HEALTHY);
  EXPECT_EQ(Kept()->set.secret(), "01234567890123456789012345678901");
  ASSERT_TRUE(Set([](v1::Webhook& hook) { hook.clear_secret(); }).ok());  // keeps it
  EXPECT_EQ(Kept()->set.secret(), "01234567890123456789012345678901");
  EXPECT_EQ(Kept()->set.version(), 2u);
}

TEST_F(DecideWebhooks, RefusesWhatCouldNotBeDelivered) {
  EXPECT_EQ(ReasonFor([](v1::Webhook& hook) { hook.clear_webhook_id(); }), "INVALID_ID");
  EXPECT_EQ(ReasonFor([](v1::Webhook& hook) { hook.set_url("ftp://shop.example"); }),
            "INVALID_URL");
  EXPECT_EQ(ReasonFor([](v1::Webhook& hook) { hook.set_secret("whsec_c2hvcnQ="); }),
            "INVALID_SECRET");
  EXPECT_EQ(ReasonFor([](v1::Webhook& hook) { hook.clear_secret(); }), "INVALID_SECRET");
  EXPECT_EQ(ReasonFor([](v1::Webhook& hook) { hook.add_skus("ghost"); }), "UNKNOWN_ITEM");
  EXPECT_EQ(ReasonFor([](v1::Webhook& hook) {
              hook.add_skus("boot");
              hook.set_category("a");
            }),
            "INVALID_WATCH");
  EXPECT_EQ(ReasonFor([](v1::Webhook& hook) { hook.set_location_id("nowhere"); }),
            "UNKNOWN_LOCATION");
  EXPECT_EQ(ReasonFor([](v1::Webhook& hook) { hook.set_channel_id("pigeon"); }), "UNKNOWN_CHANNEL");
  EXPECT_EQ(Kept(), nullptr);
}

TEST_F(DecideWebhooks, AreBounded) {
  for (size_t i = 0; i < kWebhooksMax; ++i) {
    ASSERT_TRUE(
        Set([i](v1::Webhook& hook) { hook.set_webhook_id(absl::StrCat("hook-", i)); }).ok());
  }
  EXPECT_EQ(ReasonFor([](v1::Webhook&) {}), "TOO_MANY_WEBHOOKS");
  EXPECT_TRUE(Set([](v1::Webhook& hook) { hook.set_webhook_id("hook-7"); }).ok());
}

TEST_F(DecideWebhooks, ProgressIsOfTheVersionThatWasDelivered) {
  ASSERT_TRUE(Set().ok());
  const journal::WebhookSet first = Kept()->set;
  const auto deliver = [&](const journal::WebhookSet& set, const std::string& token) {
    journal::WebhookDelivered delivered;
    delivered.set_resume_token(token);
    chain_.Run([&](Group& g) {
      DecideWebhookDelivered(g, set, delivered);
      return true;
    });
  };
  deliver(first, "a");
  EXPECT_EQ(Kept()->delivered.resume_token(), "a");
  ASSERT_TRUE(Set().ok());
  EXPECT_EQ(Kept()->delivered.resume_token(), "");
  deliver(first, "b");
  EXPECT_EQ(Kept()->delivered.resume_token(), "");
  deliver(Kept()->set, "c");
  EXPECT_EQ(Kept()->delivered.resume_token(), "c");
}

TEST_F(DecideWebhooks, OutliveAnImageAndAreDeleted) {
  ASSERT_TRUE(Set().ok());
  State loaded{Settings{}};
  ASSERT_TRUE(DecodeTables(EncodeTables(chain_.state()), loaded).ok());
  ASSERT_NE(loaded.webhooks.Find("shop"), nullptr);
  EXPECT_EQ(EncodeTables(loaded), EncodeTables(chain_.state()));
  v1::DeleteWebhookRequest request;
  request.set_webhook_id("shop");
  const auto erase = [&] {
    return chain_.Run([&](Group& g) { return DecideDeleteWebhook(g, request); });
  };
  EXPECT_TRUE(erase().ok());
  EXPECT_EQ(Kept(), nullptr);
  EXPECT_EQ(ReasonOf(erase().status()), "UNKNOWN_WEBHOOK");
}

TEST(WebAddressTest, TakesUrlsApart) {
  const auto address = [](const std::string& url) {
    const auto parsed = ParseWebAddress("url", url);
    if (!parsed.ok()) return ReasonOf(parsed.status());
    return absl::StrCat(parsed->https ? "https" : "http", " ", parsed->host, " ", parsed->port, " ",
                        parsed->path);
  };
  EXPECT_EQ(address("https://Shop.Example"), "https shop.example 443 /");
  EXPECT_EQ(address("http://shop.example:8080/a/b?c=d#e"), "http shop.example 8080 /a/b?c=d");
  EXPECT_EQ(address("https://shop.example?x"), "https shop.example 443 /?x");
  EXPECT_EQ(address("https://[::1]:9/h"), "https ::1 9 /h");
  for (const char* bad :
       {"", "shop.example", "https://", "https:///x", "https://a@b", "https://a:b@c", "https://a:0",
        "https://a:65536", "https://a:", "https://[x]/", "https://a b", "https://a\n", "HTTPS://a",
        "https://a\\b", "file:///etc/passwd", "https://\xc3\xa9.example"}) {
    EXPECT_EQ(address(bad), "INVALID_URL") << bad;
  }
}

}  // namespace
}  // namespace onhand::ledger
