#include "server/hooks/target.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>

#include <string>

namespace onhand::hooks {
namespace {

bool IsPublicText(const std::string& text) {
  in_addr four{};
  if (inet_pton(AF_INET, text.c_str(), &four) == 1) return IsPublic(four);
  in6_addr six{};
  EXPECT_EQ(inet_pton(AF_INET6, text.c_str(), &six), 1) << text;
  return IsPublic(six);
}

TEST(TargetTest, OnlyThePublicInternetIsPublic) {
  for (const char* address :
       {"8.8.8.8", "93.184.216.34", "172.15.255.255", "172.32.0.1", "192.167.255.255",
        "100.128.0.1", "2606:2800:220:1:248:1893:25c8:1946", "::ffff:8.8.8.8", "64:ff9b::808:808",
        "2002:808:808::1"}) {
    EXPECT_TRUE(IsPublicText(address)) << address;
  }
  for (const char* address : {"0.0.0.0",
                              "10.1.2.3",
                              "127.0.0.1",
                              "127.255.255.255",
                              "169.254.169.254",
                              "172.16.0.1",
                              "172.31.255.255",
                              "192.168.0.1",
                              "100.64.0.1",
                              "192.0.2.1",
                              "198.18.0.1",
                              "224.0.0.1",
                              "255.255.255.255",
                              "::",
                              "::1",
                              "fe80::1",
                              "fc00::1",
                              "fd12::1",
                              "ff02::1",
                              "2001:db8::1",
                              "::ffff:127.0.0.1",
                              "::ffff:10.0.0.1",
                              "64:ff9b::7f00:1",
                              "2002:7f00:1::",
                              "2001::1"}) {
    EXPECT_FALSE(IsPublicText(address)) << address;
  }
}

TEST(TargetTest, PrivateTargetsAreRefusedUnlessAllowed) {
  for (const char* host : {"127.0.0.1", "localhost", "::1", "0x7f000001", "2130706433", "127.1"}) {
    const auto refused = ResolveTarget({.host = host}, /*allow_private=*/false);
    EXPECT_EQ(refused.status().code(), absl::StatusCode::kPermissionDenied) << host;
  }
  EXPECT_EQ(*ResolveTarget({.https = false, .host = "127.0.0.1"}, /*allow_private=*/true),
            "127.0.0.1");
}

TEST(TargetTest, PlainHttpGoesToPrivateTargetsOnly) {
  for (const bool allow_private : {false, true}) {
    EXPECT_EQ(ResolveTarget({.https = false, .host = "8.8.8.8"}, allow_private).status().code(),
              absl::StatusCode::kPermissionDenied);
    EXPECT_EQ(*ResolveTarget({.https = true, .host = "8.8.8.8"}, allow_private), "8.8.8.8");
  }
}

TEST(TargetTest, NameThatLeadsNowhereIsSaidSo) {
  EXPECT_EQ(ResolveTarget({.host = "nowhere.invalid"}, false).status().code(),
            absl::StatusCode::kUnavailable);
}

}  // namespace
}  // namespace onhand::hooks
