// Unary calls by the Connect protocol: POST for every method, GET for those that change nothing.
// Pure functions over their arguments; they block the worker that calls them until the hub has
// answered.
#ifndef ONHAND_SERVER_GATEWAY_CONNECT_UNARY_H_
#define ONHAND_SERVER_GATEWAY_CONNECT_UNARY_H_

#include "server/gateway/conditional_get.h"
#include "server/gateway/connect_request.h"
#include "server/gateway/http_server.h"
#include "server/gateway/methods.h"

namespace onhand::gateway {

HttpResponse PostUnary(const HubDoor& hub, const Method& method, HttpRequest& request);
// Precondition: method.no_side_effects.
HttpResponse GetUnary(const HubDoor& hub, const Freshness& freshness, const Method& method,
                      const HttpRequest& request);

}  // namespace onhand::gateway

#endif  // ONHAND_SERVER_GATEWAY_CONNECT_UNARY_H_
