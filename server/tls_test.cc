// Certificates are made by the openssl program, as an operator would.
#include "server/tls.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"

namespace onhand {
namespace {

class TlsTest : public ::testing::Test {
 protected:
  TlsTest() {
    folder_ = ::testing::TempDir() + "/tls_test_XXXXXX";
    EXPECT_NE(mkdtemp(folder_.data()), nullptr);
    Make("one");
    Make("two");
  }
  ~TlsTest() override { std::filesystem::remove_all(folder_); }

  std::string Path(const std::string& name) const { return absl::StrCat(folder_, "/", name); }
  // A certificate that signs itself, and its key.
  void Make(const std::string& name) const {
    const std::string command = absl::StrCat(
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=",
        name, " -keyout ", Path(name + ".key"), " -out ", Path(name + ".pem"), " 2>/dev/null");
    ASSERT_EQ(std::system(command.c_str()), 0) << command;
  }
  void Replace(const std::string& name, const std::string& with) const {
    std::filesystem::copy_file(Path(with), Path("new"),
                               std::filesystem::copy_options::overwrite_existing);
    std::filesystem::rename(Path("new"), Path(name));
  }
  TlsFiles Files() const { return {.cert_file = Path("one.pem"), .key_file = Path("one.key")}; }
  std::string RefusalOf(const TlsFiles& files) const {
    const auto context = MakeTlsContext(files);
    return context.ok() ? "" : std::string(context.status().message());
  }

  std::string folder_;
};

TEST_F(TlsTest, FilesThatDoNotFitNameTheFlagAndTheRemedy) {
  EXPECT_EQ(RefusalOf(Files()), "");
  TlsFiles files = Files();
  files.key_file.clear();
  EXPECT_NE(RefusalOf(files).find("--tls-key-file is missing"), std::string::npos);
  files.key_file = Path("two.key");
  EXPECT_NE(RefusalOf(files).find("is not the key of the certificate"), std::string::npos);
  files.cert_file = Path("nothing.pem");
  EXPECT_NE(RefusalOf(files).find("--tls-cert-file"), std::string::npos);
  files = Files();
  files.client_ca_file = Path("one.key");
  EXPECT_NE(RefusalOf(files).find("--tls-client-ca-file"), std::string::npos);
  files.client_ca_file = Path("two.pem");
  EXPECT_EQ(RefusalOf(files), "");
}

TEST_F(TlsTest, ReplacedFilesAreTakenOnceTheyFit) {
  const auto tls = TlsContext::Make(Files(), absl::ZeroDuration());
  ASSERT_TRUE(tls.ok()) << tls.status();
  const std::shared_ptr<SSL_CTX> first = (*tls)->Get();
  EXPECT_EQ((*tls)->Get(), first);
  Replace("one.pem", "two.pem");
  EXPECT_EQ((*tls)->Get(), first) << "a certificate without its key was taken";
  Replace("one.key", "two.key");
  EXPECT_NE((*tls)->Get(), first);
}

}  // namespace
}  // namespace onhand
