// onhand-bench: the hub beside its floors, as one table on standard output.
#include <unistd.h>

#include <cstdlib>
#include <exception>
#include <filesystem>
#include <iostream>
#include <string>

#include "tests/bench/echo_server.h"
#include "tests/bench/lines.h"
#include "tests/bench/table.h"

namespace onhand::bench {
namespace {

constexpr char kUsage[] =
    "usage: onhand-bench [--repeat N] [--only TEXT] [--full] [--quick] [--onhandd PATH]\n"
    "  --repeat N      rounds of floor and hub, of which the median is shown (default 5)\n"
    "  --only TEXT     only lines whose name contains TEXT\n"
    "  --full          sustained ingest for 60 s instead of 20\n"
    "  --quick         small and short: shows that everything runs, not how fast it is\n"
    "  --onhandd PATH  the hub's program (default: the one of this build)\n";

// The stores of one run; gone with it.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string path = (std::filesystem::temp_directory_path() / "onhand_bench_XXXXXX").string();
    if (mkdtemp(path.data()) == nullptr) throw std::runtime_error("cannot make " + path);
    path_ = path;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

[[noreturn]] void Usage(int status) {
  (status == 0 ? std::cout : std::cerr) << kUsage;
  std::exit(status);
}

Settings ReadCommandLine(int argc, char** argv) {
  Settings settings;
  settings.self = std::filesystem::canonical("/proc/self/exe").string();
  settings.onhandd =
      (std::filesystem::path(settings.self).parent_path() / "../../server/onhandd").string();
  for (int i = 1; i < argc; ++i) {
    const std::string flag = argv[i];
    const auto value = [&]() -> std::string {
      if (++i == argc) Usage(2);
      return argv[i];
    };
    if (flag == "--repeat") {
      settings.repeat = std::max(1, std::atoi(value().c_str()));
    } else if (flag == "--only") {
      settings.only = value();
    } else if (flag == "--full") {
      settings.sustained_seconds = 60;
    } else if (flag == "--quick") {
      settings.quick = true;
      settings.repeat = 1;
      settings.seconds = 0.2;
      settings.sustained_seconds = 0.5;
    } else if (flag == "--onhandd") {
      settings.onhandd = value();
    } else {
      Usage(flag == "--help" ? 0 : 2);
    }
  }
  return settings;
}

int Main(int argc, char** argv) {
  if (argc == 2 && std::string(argv[1]) == "--echo-server") RunEchoServer();
  if (argc == 4 && std::string(argv[1]) == "--flooder") RunFlooder(argv[2], argv[3]);
  Settings settings = ReadCommandLine(argc, argv);
  CatchInterrupts();
  try {
    const TemporaryFolder folder;
    settings.folder = folder.path();
    Table::PrintHeading();
    MeasureLedger(settings);
    MeasureRules(settings);
    MeasurePreviews(settings);
    MeasureReads(settings);
    MeasureCache(settings);
    MeasureAcknowledgements(settings);
    MeasureWatch(settings);
    MeasureReservations(settings);
    MeasureFlood(settings);
    MeasureIngest(settings);
    return 0;
  } catch (const Interrupted&) {
    return 130;
  } catch (const std::exception& error) {
    std::cerr << "onhand-bench: " << error.what() << std::endl;
    return 1;
  }
}

}  // namespace
}  // namespace onhand::bench

int main(int argc, char** argv) { return onhand::bench::Main(argc, argv); }
