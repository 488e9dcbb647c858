// What makes answers about availability cacheable by browsers and CDNs: what changes without the
// answer changing goes into headers, and the rest is named by its content. Owned by the gateway;
// any thread.
#ifndef ONHAND_SERVER_GATEWAY_CONDITIONAL_GET_H_
#define ONHAND_SERVER_GATEWAY_CONDITIONAL_GET_H_

#include <string>

#include "server/gateway/http_server.h"
#include "server/hub/clock.h"

namespace onhand::gateway {

class Freshness {
 public:
  // `clock` is the hub's, and outlives this. A hub that was restored is another journal: what was
  // cached before is not its answer.
  Freshness(hub::Clock* clock, std::string journal_id)
      : clock_(clock), journal_id_(std::move(journal_id)) {}

  // Takes revision, known_through and cache_until out of an answer about availability, and puts
  // them into headers: Onhand-Revision, Onhand-Known-Through and Cache-Control, the least of a
  // batch each. False: the message is of another type, and nothing was done.
  bool TakeOut(const std::string& type, std::string* bytes, HttpResponse* response) const;

  // Names the answer by its body in an ETag. One that the client has becomes a 304 without a body.
  void Tag(const HttpRequest& request, HttpResponse* response) const;

 private:
  hub::Clock* const clock_;
  const std::string journal_id_;
};

// The tag of the same answer as gzip: other bytes need another tag.
std::string GzipTag(const std::string& tag);

}  // namespace onhand::gateway

#endif  // ONHAND_SERVER_GATEWAY_CONDITIONAL_GET_H_
