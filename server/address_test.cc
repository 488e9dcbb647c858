#include "server/address.h"

#include "gtest/gtest.h"

namespace onhand {
namespace {

TEST(AddressTest, ReadsHostAndPort) {
  const auto address = ParseAddress("--grpc", "hub.example:7430");
  ASSERT_TRUE(address.ok());
  EXPECT_EQ(address->host, "hub.example");
  EXPECT_EQ(address->port, 7430);
  EXPECT_EQ(address->ToString(), "hub.example:7430");
}

TEST(AddressTest, KeepsTheBracketsOfIpv6) {
  const auto address = ParseAddress("--grpc", "[::1]:0");
  ASSERT_TRUE(address.ok());
  EXPECT_EQ(address->host, "::1");
  EXPECT_EQ(address->ToString(), "[::1]:0");
}

TEST(AddressTest, RefusesWhatIsNoHostAndPort) {
  for (const char* text :
       {"", "7430", ":7430", "host:", "host:-1", "host:65536", "host:http", "::1:7430"}) {
    EXPECT_FALSE(ParseAddress("--grpc", text).ok()) << text;
  }
}

TEST(AddressTest, KnowsWhichAddressesOnlyThisMachineReaches) {
  for (const char* text : {"127.0.0.1:1", "127.9.9.9:1", "localhost:1", "[::1]:1"}) {
    EXPECT_TRUE(ParseAddress("--grpc", text)->IsLoopback()) << text;
  }
  for (const char* text :
       {"0.0.0.0:1", "[::]:1", "10.0.0.1:1", "127.0.0.1.example.com:1", "hub:1"}) {
    EXPECT_FALSE(ParseAddress("--grpc", text)->IsLoopback()) << text;
  }
}

}  // namespace
}  // namespace onhand
