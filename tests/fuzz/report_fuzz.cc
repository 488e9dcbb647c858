// Whatever bytes a source sends as a batch: the hub decides, applies and encodes, and never stops.
// The overlay's view and the applied state must agree on what the source's next sequence is.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "onhand/v1/report.pb.h"
#include "server/ledger/decide_report.h"
#include "server/ledger/decide_snapshot.h"
#include "server/ledger/encode.h"
#include "server/ledger/ledger.h"

namespace {

using onhand::ledger::Group;
using onhand::ledger::Ledger;
using onhand::ledger::RowMoment;
namespace journal = onhand::journal::v1;

void Apply(Ledger& ledger, const RowMoment& row, const Group& group) {
  const journal::Record& record = group.record();
  if (!ledger.ApplyFacts(row, record, 0, record.facts_size()).ok()) std::abort();
  ledger.EndSlice();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  onhand::v1::Batch batch;
  if (!batch.ParseFromArray(data, static_cast<int>(size))) return 0;
  batch.set_sequence(1);

  Ledger ledger{onhand::ledger::Settings{}};
  RowMoment row{1, 1, 1'700'000'000'000'000};
  onhand::ledger::OpenedSource opened;
  {
    Group group(&ledger.state(), row);
    journal::Fact location;
    location.mutable_location_set()->mutable_location()->set_id(1);
    location.mutable_location_set()->mutable_location()->set_location_id("bilbao");
    group.Add(std::move(location));
    onhand::v1::Hello hello;
    hello.set_source_id("till");
    hello.set_spool_id("spool");
    hello.add_location_ids("bilbao");
    opened = onhand::ledger::DecideHello(group, hello).value();
    Apply(ledger, row, group);
  }
  ++row.revision;
  Group group(&ledger.state(), row);
  const auto decision = onhand::ledger::DecideReport(group, opened.source, opened.spool, 0, batch);
  const uint64_t seen = group.Settled().sources.Find(opened.source)->durable_sequence;
  Apply(ledger, row, group);
  if (ledger.state().sources.Find(opened.source)->durable_sequence != seen) std::abort();
  if (decision.ok() != (seen == 1)) std::abort();
  while (!ledger.closed_snapshots().empty()) {
    onhand::ledger::SnapshotJob job(*ledger.closed_snapshots().begin());
    for (bool done = false; !done;) {
      ++row.revision;
      Group step(&ledger.state(), row);
      done = job.Step(step, ledger);
      Apply(ledger, row, step);
    }
  }
  if (onhand::ledger::EncodeState(ledger.state()).empty()) std::abort();
  return 0;
}
