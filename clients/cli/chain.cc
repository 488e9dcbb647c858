#include "clients/cli/chain.h"

#include <utility>

#include "clients/cli/rule_refusals.h"
#include "onhand/v1/catalog.grpc.pb.h"

namespace onhand::cli {
namespace {

constexpr double kConfirmHidingPercent = 20;

void Print(Session& session, const v1::Chain& chain) {
  const double percent =
      chain.has_confirm_hiding_percent() ? chain.confirm_hiding_percent() : kConfirmHidingPercent;
  session.out << "time zone:       " << (chain.time_zone().empty() ? "UTC" : chain.time_zone())
              << "\n"
              << "confirm hiding:  a change of rules that hides more than " << percent
              << " % of what is shown needs --yes\n";
}

}  // namespace

absl::Status ShowChain(Session& session) {
  const auto response =
      session.hub.Call(&v1::CatalogService::Stub::GetChain, v1::GetChainRequest());
  if (!response.ok()) return response.status();
  if (session.json) {
    PrintJson(session, *response);
  } else {
    Print(session, response->chain());
  }
  return absl::OkStatus();
}

absl::Status SetChain(Session& session, const ChainOptions& options) {
  if (!options.time_zone && !options.confirm_hiding_percent) {
    return UsageError("chain set", "", "give --time-zone, --confirm-hiding or both");
  }
  const auto present = session.hub.Call(&v1::CatalogService::Stub::GetChain, v1::GetChainRequest());
  if (!present.ok()) return present.status();
  v1::SetChainRequest request;
  *request.mutable_chain() = present->chain();
  if (options.time_zone) request.mutable_chain()->set_time_zone(*options.time_zone);
  if (options.confirm_hiding_percent) {
    request.mutable_chain()->set_confirm_hiding_percent(*options.confirm_hiding_percent);
  }
  request.set_author(options.author);
  request.set_reason(options.reason);
  const auto response = session.hub.Write(&v1::CatalogService::Stub::SetChain, std::move(request));
  if (!response.ok()) {
    static const auto& words =
        *new FieldWords{.of = OptionWords().of,
                        .others = {{"chain.time_zone", "--time-zone"},
                                   {"chain.confirm_hiding_percent", "--confirm-hiding"}}};
    return InWords(response.status(), words);
  }
  if (session.json) {
    PrintJson(session, *response);
  } else {
    Print(session, response->chain());
  }
  return absl::OkStatus();
}

}  // namespace onhand::cli
