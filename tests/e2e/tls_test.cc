// A hub behind TLS, met as its users meet it: the programs, the client library, curl. Certificates
// are made by the openssl program.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "clients/cpp/tls.h"
#include "clients/cpp/token_file.h"
#include "onhand/v1/hub.grpc.pb.h"
#include "tests/e2e/questions.h"
#include "tests/support/process.h"
#include "tests/support/programs.h"

namespace onhand::testing {
namespace {

// An authority, and what it signs.
class Authority {
 public:
  explicit Authority(std::string folder) : folder_(std::move(folder)) {
    std::filesystem::create_directories(folder_);
    Run({"/usr/bin/openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-days", "2", "-subj", "/CN=authority", "-keyout", key(), "-out", file()});
  }
  std::string file() const { return folder_ + "/ca.pem"; }

  // folder/tls.pem and folder/tls.key for this machine, in the name of `name`.
  void Sign(const std::string& folder, const std::string& name) const {
    std::filesystem::create_directories(folder);
    const std::string request = folder + "/request";
    Run({"/usr/bin/openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-subj", "/CN=" + name, "-keyout", folder + "/tls.key", "-out", request});
    std::ofstream(folder + "/extensions") << "subjectAltName=IP:127.0.0.1,DNS:localhost\n";
    Run({"/usr/bin/openssl", "x509", "-req", "-in", request, "-CA", file(), "-CAkey", key(),
         "-CAcreateserial", "-days", "2", "-extfile", folder + "/extensions", "-out",
         folder + "/tls.pem"});
  }

 private:
  static void Run(const std::vector<std::string>& command) {
    const Ended ended = RunToEnd(command);
    EXPECT_EQ(ended.exit_code, 0) << ended.err;
  }
  std::string key() const { return folder_ + "/ca.key"; }

  const std::string folder_;
};

class TlsTest : public ::testing::Test {
 protected:
  TlsTest() {
    ours_.Sign(folder_ / "hub-1", "first");
    ours_.Sign(folder_ / "hub-2", "second");
    ours_.Sign(folder_ / "client", "client");
    theirs_.Sign(folder_ / "stranger", "stranger");
    std::filesystem::create_directory_symlink(folder_ / "hub-1", folder_ / "hub");
  }

  std::string Token() const { return folder_ / "first.token"; }
  std::vector<std::string> HubFlags() const {
    return {"--tls-cert-file",       folder_ / "hub/tls.pem", "--tls-key-file",
            folder_ / "hub/tls.key", "--tls-client-ca-file",  ours_.file()};
  }
  std::vector<std::string> FlagsOf(const std::string& client) const {
    return {"--tls-ca-file",   ours_.file(),
            "--tls-cert-file", folder_ / (client + "/tls.pem"),
            "--tls-key-file",  folder_ / (client + "/tls.key")};
  }
  client::Connection Connect() const {
    client::ConnectionOptions options;
    options.hub = hub_.address();
    options.credentials = *client::MakeCredentials({.is_on = true,
                                                    .ca_file = ours_.file(),
                                                    .cert_file = folder_ / "client/tls.pem",
                                                    .key_file = folder_ / "client/tls.key"});
    options.token = *client::TokenFile::Open(Token());
    return client::Connection(options);
  }
  Ended Ask(std::vector<std::string> flags) const {
    flags.insert(flags.end(), {"--timeout", "3", "status"});
    return hub_.Onhand(flags);
  }
  Ended Curl(const std::vector<std::string>& more) const {
    std::vector<std::string> command = {"/usr/bin/curl", "-sS",       "--max-time", "5",
                                        "--cacert",      ours_.file()};
    command.insert(command.end(), more.begin(), more.end());
    command.push_back(absl::StrCat("https://", hub_.http_address(), "/readyz"));
    return RunToEnd(command);
  }
  std::vector<std::string> CurlFlagsOf(const std::string& client) const {
    return {"--cert", folder_ / (client + "/tls.pem"), "--key", folder_ / (client + "/tls.key")};
  }
  // Whom the certificate names that a port shows now.
  std::string ShownAt(const std::string& address) const {
    const Ended shown =
        RunToEnd({"/bin/sh", "-c",
                  absl::StrCat("openssl s_client -connect ", address, " -cert ",
                               folder_ / "client/tls.pem", " -key ", folder_ / "client/tls.key",
                               " </dev/null 2>/dev/null | "
                               "openssl x509 -noout -subject")});
    return shown.out;
  }

  TempFolder folder_;
  const Authority ours_{folder_ / "ours"};
  const Authority theirs_{folder_ / "theirs"};
  HubProgram hub_{"memory:", Token(), HubFlags()};
};

TEST_F(TlsTest, OnlyWhoShowsACertificateOfTheChainsIsLetIn) {
  hub_.Start();
  const Ended known = Ask(FlagsOf("client"));
  EXPECT_EQ(known.exit_code, 0) << known.err;
  EXPECT_NE(Ask(FlagsOf("stranger")).exit_code, 0);
  EXPECT_NE(Ask({"--tls-ca-file", ours_.file()}).exit_code, 0);
  EXPECT_NE(Ask({}).exit_code, 0);
  std::vector<std::string> misled = FlagsOf("client");
  misled[1] = theirs_.file();
  EXPECT_NE(Ask(misled).exit_code, 0) << "a hub of another authority was trusted";

  EXPECT_EQ(Curl(CurlFlagsOf("client")).exit_code, 0);
  EXPECT_NE(Curl(CurlFlagsOf("stranger")).exit_code, 0);
  EXPECT_NE(Curl({}).exit_code, 0);
  EXPECT_NE(RunToEnd({"/usr/bin/curl", "-sS", "--max-time", "5",
                      absl::StrCat("http://", hub_.http_address(), "/readyz")})
                .exit_code,
            0);
  EXPECT_NE(Curl({"--tls-max", "1.1", "--cert", folder_ / "client/tls.pem", "--key",
                  folder_ / "client/tls.key"})
                .exit_code,
            0);
}

TEST_F(TlsTest, AStoreReportsAndAWebsiteAsks) {
  hub_.Start();
  client::Connection connection = Connect();
  MakeLocations(connection, {"store"});
  std::filesystem::create_directory(folder_ / "drop");
  std::ofstream(folder_ / "drop/stock.csv") << "sku,on_hand\nbat,7\n";
  std::vector<std::string> flags = FlagsOf("client");
  flags.insert(flags.end(), {"--token-file", Token()});
  const AgentProgram agent(hub_.address(),
                           {"--location", "store", "--source", "csv:" + (folder_ / "drop"),
                            "--spool", folder_ / "spool", "--unknown-items", "create"},
                           flags);
  const Ended told = agent.RunOnce();
  EXPECT_EQ(told.exit_code, 0) << told.err;
  EXPECT_EQ(OnHand(connection, "store")["bat"], 7);
  // Many kilobytes, both ways, on one connection.
  std::ofstream(folder_ / "large.csv") << "sku,on_hand\n"
                                       << [] {
                                            std::string rows;
                                            for (int i = 0; i < 20'000; ++i)
                                              absl::StrAppend(&rows, "bat-", i, ",", i % 7, "\n");
                                            return rows;
                                          }();
  std::vector<std::string> curl = {"/usr/bin/curl", "-sS", "--cacert",
                                   ours_.file(),    "-T",  folder_ / "large.csv"};
  for (const std::string& flag : CurlFlagsOf("client")) curl.push_back(flag);
  curl.insert(curl.end(),
              {"-H", "Authorization: Bearer " + client::TokenFile::Open(Token()).value()->text()});
  curl.push_back(absl::StrCat("https://", hub_.http_address(), "/v1/locations/store/files/"));
  const Ended taken = RunToEnd(curl);
  EXPECT_EQ(taken.exit_code, 0) << taken.err;
  EXPECT_TRUE(absl::StrContains(taken.out, "\"rowsTaken\": 20000")) << taken.out.substr(0, 600);
}

TEST_F(TlsTest, CertificatesAreReplacedUnderLoadAndNoCallFails) {
  hub_.Start();
  std::atomic<bool> asking{true};
  std::atomic<int> calls{0};
  std::vector<std::thread> clients;
  clients.emplace_back([&] {
    while (asking) {
      // Each time a new connection.
      const auto status =
          Connect().Call(&v1::HubService::Stub::GetHubStatus, v1::GetHubStatusRequest());
      EXPECT_TRUE(status.ok()) << status.status();
      ++calls;
    }
  });
  clients.emplace_back([&] {
    while (asking) {
      const Ended ended = Curl(CurlFlagsOf("client"));
      EXPECT_EQ(ended.exit_code, 0) << ended.err;
      ++calls;
    }
  });
  EXPECT_TRUE(absl::StrContains(ShownAt(hub_.http_address()), "first"));
  EXPECT_TRUE(absl::StrContains(ShownAt(hub_.address()), "first"));
  // As Kubernetes does it.
  std::filesystem::create_directory_symlink(folder_ / "hub-2", folder_ / "new");
  std::filesystem::rename(folder_ / "new", folder_ / "hub");
  EXPECT_TRUE(WaitUntil([&] {
    return absl::StrContains(ShownAt(hub_.http_address()), "second") &&
           absl::StrContains(ShownAt(hub_.address()), "second");
  }));
  const int before = calls;
  EXPECT_TRUE(WaitUntil([&] { return calls > before + 20; }));
  asking = false;
  for (std::thread& client : clients) client.join();
  EXPECT_TRUE(absl::StrContains(hub_.log(), "certificates of the HTTP port are new"));
}

TEST_F(TlsTest, ACertificateWhoseKeyIsStillToComeIsNotTaken) {
  hub_.Start();
  const auto copy = [&](const std::string& file) {
    std::filesystem::copy_file(folder_ / ("hub-2/" + file), folder_ / ("hub-1/" + file),
                               std::filesystem::copy_options::overwrite_existing);
  };
  copy("tls.pem");
  for (int second = 0; second < 3; ++second) {
    EXPECT_THAT(ShownAt(hub_.address()), ::testing::HasSubstr("first"));
    EXPECT_THAT(ShownAt(hub_.http_address()), ::testing::HasSubstr("first"));
    absl::SleepFor(absl::Seconds(1));
  }
  EXPECT_EQ(Ask(FlagsOf("client")).exit_code, 0);
  copy("tls.key");
  for (const std::string& address : {hub_.address(), hub_.http_address()}) {
    EXPECT_TRUE(WaitUntil([&] { return absl::StrContains(ShownAt(address), "second"); }))
        << hub_.log();
  }
  EXPECT_EQ(Ask(FlagsOf("client")).exit_code, 0);
}

TEST_F(TlsTest, ThoseWhoNeverShakeHandsHoldUpNobody) {
  hub_.Start();
  const std::string address = hub_.http_address();
  sockaddr_in at{
      .sin_family = AF_INET,
      .sin_port = htons(static_cast<uint16_t>(std::stoi(address.substr(address.rfind(':') + 1))))};
  inet_pton(AF_INET, "127.0.0.1", &at.sin_addr);
  std::vector<int> sockets;
  for (int i = 0; i < 300; ++i) {
    sockets.push_back(socket(AF_INET, SOCK_STREAM, 0));
    ASSERT_EQ(connect(sockets.back(), reinterpret_cast<sockaddr*>(&at), sizeof(at)), 0);
    // Nothing, half a hello, or no TLS at all.
    const std::string said = i % 3 == 0   ? ""
                             : i % 3 == 1 ? "\x16\x03\x01"
                                          : "GET / HTTP/1.1\r\n\r\n";
    EXPECT_EQ(send(sockets.back(), said.data(), said.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(said.size()));
  }
  EXPECT_EQ(Curl(CurlFlagsOf("client")).exit_code, 0);
  const absl::Time begun = absl::Now();
  for (const int socket : sockets) {
    char byte = 0;
    // Until the hub closes it.
    while (recv(socket, &byte, 1, 0) > 0) {
    }
    close(socket);
  }
  EXPECT_LT(absl::Now() - begun, absl::Seconds(20));
  EXPECT_EQ(Curl(CurlFlagsOf("client")).exit_code, 0);
  EXPECT_EQ(hub_.Stop(), 0) << hub_.log();
}

TEST(TlsFlagsTest, WhatOthersCanReachAsksForTls) {
  const TempFolder folder;
  const Authority authority(folder / "authority");
  authority.Sign(folder / "hub", "hub");
  const std::vector<std::string> plain = {
      HubPath(), "serve", "--store", "memory:", "--grpc", "0.0.0.0:0", "--http", "127.0.0.1:0"};
  const Ended open = RunToEnd(plain);
  EXPECT_EQ(open.exit_code, 2);
  EXPECT_TRUE(absl::StrContains(open.err, "--tls-cert-file")) << open.err;
  std::vector<std::string> mixed = plain;
  mixed.insert(mixed.end(), {"--insecure", "--tls-cert-file", folder / "hub/tls.pem",
                             "--tls-key-file", folder / "hub/tls.key"});
  EXPECT_EQ(RunToEnd(mixed).exit_code, 2);
  const Ended far = RunToEnd({OnhandPath(), "--hub", "hub.example:7070", "status"});
  EXPECT_EQ(far.exit_code, 2);
  EXPECT_TRUE(absl::StrContains(far.err, "--tls")) << far.err;
}

}  // namespace
}  // namespace onhand::testing
