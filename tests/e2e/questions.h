// What the tests ask a hub and tell it beside the programs: plain calls that fail the test when the
// hub refuses. Any thread.
#ifndef ONHAND_TESTS_E2E_QUESTIONS_H_
#define ONHAND_TESTS_E2E_QUESTIONS_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "clients/cpp/connection.h"
#include "onhand/v1/hub.pb.h"
#include "onhand/v1/quarantine.pb.h"

namespace onhand::testing {

// Makes locations that trade, in UTC.
void MakeLocations(client::Connection& hub, const std::vector<std::string>& location_ids);

// Makes an item that is sold. From the first one on, rows of unknown items are held back wherever a
// source does not say otherwise.
void MakeItem(client::Connection& hub, const std::string& sku);

// On hand by SKU of all positions of a location.
std::map<std::string, int64_t> OnHand(client::Connection& hub, const std::string& location_id);

// All entries in quarantine.
std::vector<v1::QuarantineEntry> Quarantined(client::Connection& hub);

// The last durable sequence of each source, by source id.
std::map<std::string, uint64_t> DurableSequences(client::Connection& hub);

}  // namespace onhand::testing

#endif  // ONHAND_TESTS_E2E_QUESTIONS_H_
