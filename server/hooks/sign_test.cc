#include "server/hooks/sign.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/escaping.h"

namespace onhand::hooks {
namespace {

// The values of the reference libraries' own test (standard-webhooks, e.g. libraries/python).
TEST(SignTest, AgreesWithTheReference) {
  std::string secret;
  ASSERT_TRUE(absl::Base64Unescape("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", &secret));
  EXPECT_EQ(Sign(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, R"({"test": 2432232314})"),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}

}  // namespace
}  // namespace onhand::hooks
