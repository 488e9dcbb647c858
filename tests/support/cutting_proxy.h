// A TCP proxy on 127.0.0.1 that cuts a connection where a test says: before a request reaches the
// server, or after the server has answered it but before the client sees the answer. Any thread may
// call it.
#ifndef ONHAND_TESTS_SUPPORT_CUTTING_PROXY_H_
#define ONHAND_TESTS_SUPPORT_CUTTING_PROXY_H_

#include <cstdint>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace onhand::testing {

class CuttingProxy {
 public:
  enum class Moment { kNever, kBeforeRequest, kBeforeAnswer };

  explicit CuttingProxy(uint16_t server_port);
  ~CuttingProxy();
  CuttingProxy(const CuttingProxy&) = delete;
  CuttingProxy& operator=(const CuttingProxy&) = delete;

  uint16_t port() const { return port_; }

  // Cuts, once, the connection whose client sends a request that contains `text` (any, if empty).
  void CutNext(Moment moment, std::string text = "");
  // How many connections were cut so far.
  int cuts() const;
  // Cuts new connections at once, as a host does that is being restarted.
  void RefuseNew(bool refuse);

 private:
  void Accept();
  void Serve(int client);
  // True if the request just read from a client is the one to cut; `*moment` says where.
  bool Matches(const std::string& request, Moment* moment);

  const uint16_t server_port_;
  uint16_t port_ = 0;
  int listener_ = -1;
  std::thread acceptor_;

  mutable std::mutex mutex_;
  // Below: guarded by mutex_.
  Moment moment_ = Moment::kNever;
  std::string text_;
  bool refuses_ = false;
  bool stopping_ = false;
  int cuts_ = 0;
  std::vector<int> open_;
  std::vector<std::thread> servers_;
};

}  // namespace onhand::testing

#endif  // ONHAND_TESTS_SUPPORT_CUTTING_PROXY_H_
