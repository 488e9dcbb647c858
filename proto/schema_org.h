// What a status is called on schema.org (https://schema.org/ItemAvailability): the one table for
// product pages and feeds. It stands beside the contract, because server and clients share nothing
// else. A pure function.
#ifndef ONHAND_PROTO_SCHEMA_ORG_H_
#define ONHAND_PROTO_SCHEMA_ORG_H_

#include "onhand/v1/types.pb.h"

namespace onhand {

// The whole address, such as `https://schema.org/InStock`. A status that this program does not know
// yet is OutOfStock: it promises nothing.
constexpr const char* SchemaOrgAvailability(v1::AvailabilityStatus status) {
  switch (status) {
    case v1::AVAILABILITY_STATUS_IN_STOCK:
    case v1::AVAILABILITY_STATUS_KEEP_SELLING:
      return "https://schema.org/InStock";
    case v1::AVAILABILITY_STATUS_LOW_STOCK:
      return "https://schema.org/LimitedAvailability";
    case v1::AVAILABILITY_STATUS_SOLD_OUT:
      return "https://schema.org/SoldOut";
    case v1::AVAILABILITY_STATUS_BACKORDER:
      return "https://schema.org/BackOrder";
    default:
      return "https://schema.org/OutOfStock";
  }
}

}  // namespace onhand

#endif  // ONHAND_PROTO_SCHEMA_ORG_H_
