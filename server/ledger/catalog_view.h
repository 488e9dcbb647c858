// Rows of the catalog and rules as the public contract shows them: dense ids become names.
// Pure functions; any thread that may read the state.
#ifndef ONHAND_SERVER_LEDGER_CATALOG_VIEW_H_
#define ONHAND_SERVER_LEDGER_CATALOG_VIEW_H_

#include <cstdint>
#include <string>

#include "google/protobuf/timestamp.pb.h"
#include "onhand/v1/catalog.pb.h"
#include "onhand/v1/rules.pb.h"
#include "onhand/v1/stock.pb.h"
#include "server/ledger/state.h"

namespace onhand::ledger {

v1::Item ItemOf(const journal::Item& item);
v1::Location LocationOf(const State& state, const journal::Location& location);
v1::LocationGroup GroupOf(const State& state, const journal::Group& group);
v1::Channel ChannelOf(const State& state, const journal::Channel& channel);
v1::Rule RuleOf(const State& state, const journal::Rule& rule);
// What holds for the whole chain; empty until it is set.
v1::Chain ChainOf(const State& state);
v1::Incoming IncomingOf(const State& state, const journal::IncomingSet& incoming);

// A rule's etag: the revision of its last change and its version, as in `4711.3`.
std::string EtagOf(const journal::Rule& rule);

// Microseconds since the epoch to and from the wire. A moment out of range is clamped.
google::protobuf::Timestamp TimestampOf(int64_t us);
int64_t MicrosOf(const google::protobuf::Timestamp& timestamp);

}  // namespace onhand::ledger

#endif  // ONHAND_SERVER_LEDGER_CATALOG_VIEW_H_
