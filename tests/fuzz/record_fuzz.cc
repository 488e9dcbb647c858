// Whatever bytes stand in a journal row or an image: they are read or refused, never more.
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "server/hub/journal_record.h"
#include "server/ledger/encode.h"
#include "server/ledger/state.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view bytes(reinterpret_cast<const char*>(data), size);
  onhand::journal::v1::Record record;
  onhand::hub::DecodeRecord(bytes, &record).IgnoreError();
  onhand::ledger::State tables{onhand::ledger::Settings{}};
  onhand::ledger::DecodeTables(bytes, tables).IgnoreError();
  onhand::ledger::State segment{onhand::ledger::Settings{}};
  onhand::ledger::DecodeSegment(bytes, segment).status().IgnoreError();
  return 0;
}
