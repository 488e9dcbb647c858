#include "clients/cli/assess.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <memory>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "clients/cli/assessed_chain.h"
#include "clients/cli/checks.h"
#include "clients/cli/counted.h"
#include "clients/cli/private_hub.h"
#include "clients/cli/table.h"
#include "onhand/v1/insights.grpc.pb.h"
#include "onhand/v1/rules.grpc.pb.h"
#include "onhand/v1/stock.grpc.pb.h"

namespace onhand::cli {
namespace {

constexpr uint32_t kDoubtsShown = 20;
constexpr int kDeadShown = 10;
constexpr int kSchedulesShown = 20;
constexpr uint32_t kPreviewedMax = 10'000;
constexpr int kDeadSaleDays = 90;
constexpr absl::Duration kPatience = absl::Minutes(2);

// What an item has and sells in the whole chain.
struct Velocity {
  int64_t available = 0;
  double units_per_day = 0;
};
using Velocities = std::map<std::string, Velocity>;

struct Findings {
  v1::ListDoubtsResponse doubts;
  v1::ListDeadItemsResponse dead;
  v1::AdviseScheduleResponse schedule;
  v1::PreviewRulesResponse floor;     // 'below N'
  v1::PreviewRulesResponse velocity;  // 1 cancelled order in N
  Velocities velocities;
};

absl::Status AskInsights(Session& session, const AssessOptions& options, Findings* findings) {
  v1::ListDoubtsRequest doubts;
  doubts.set_listed_max(kDoubtsShown);
  auto doubted = session.hub.Call(&v1::InsightService::Stub::ListDoubts, doubts);
  if (!doubted.ok()) return doubted.status();
  findings->doubts = *std::move(doubted);

  v1::AdviseScheduleRequest schedule;
  schedule.set_risk_one_in(options.risk_one_in);
  auto advice = session.hub.Call(&v1::InsightService::Stub::AdviseSchedule, schedule);
  if (!advice.ok()) return advice.status();
  findings->schedule = *std::move(advice);
  return absl::OkStatus();
}

// Items with stock and without a sale for long. The files alone can tell: a hub that has known an
// item for a minute calls nothing dead.
v1::ListDeadItemsResponse DeadItems(const AssessedChain& chain) {
  v1::ListDeadItemsResponse dead;
  const absl::Time since = chain.as_of - absl::Hours(24 * kDeadSaleDays);
  if (chain.first_sale > since) return dead;
  for (const auto& [sku, item] : chain.items) {
    if (item.on_hand == 0 || item.last_sale >= since) continue;
    dead.set_dead_count(dead.dead_count() + 1);
    if (dead.items_size() == kDeadShown) continue;
    v1::DeadItem& listed = *dead.add_items();
    listed.set_sku(sku);
    listed.set_reason(v1::DEAD_REASON_NO_MOVEMENT);
    listed.set_on_hand(item.on_hand);
    listed.add_channel_ids(kAssessedChannel);
    if (item.last_sale != absl::InfinitePast()) {
      *listed.mutable_last_sale_at() = ToProto(item.last_sale);
    }
  }
  return dead;
}

absl::StatusOr<v1::PreviewRulesResponse> TryRule(Session& session, v1::Rule rule) {
  v1::PreviewRulesRequest request;
  rule.set_zero_policy(v1::ZERO_POLICY_HIDE);
  *request.add_changes()->mutable_set() = std::move(rule);
  request.set_listed_max(kPreviewedMax);
  return session.hub.Call(&v1::RuleService::Stub::PreviewRules, request);
}

absl::Status TryRules(Session& session, const AssessOptions& options, Findings* findings) {
  v1::Rule floor;
  floor.set_rule_id("below");
  floor.mutable_chain_floor()->set_units(options.threshold);
  auto tried = TryRule(session, std::move(floor));
  if (!tried.ok()) return tried.status();
  findings->floor = *std::move(tried);

  v1::Rule velocity;
  velocity.set_rule_id("velocity");
  velocity.mutable_buffer()->set_risk_one_in(options.risk_one_in);
  tried = TryRule(session, std::move(velocity));
  if (!tried.ok()) return tried.status();
  findings->velocity = *std::move(tried);
  return absl::OkStatus();
}

absl::StatusOr<Velocities> AskVelocities(Session& session, const AssessedChain& chain) {
  Velocities velocities;
  for (const std::string& location_id : chain.location_ids) {
    v1::ListPositionsRequest request;
    request.set_location_id(location_id);
    const auto positions = ListAll(session, &v1::StockService::Stub::ListPositions, request);
    if (!positions.ok()) return positions.status();
    for (const v1::Position& position : positions->positions()) {
      Velocity& velocity = velocities[position.sku()];
      velocity.available += std::max<int64_t>(position.available(), 0);
      velocity.units_per_day += position.estimate().units_per_day();
    }
  }
  return velocities;
}

// Items that a rule would hide in the chain and that are shown without it.
std::set<std::string> HiddenItems(const v1::PreviewRulesResponse& preview) {
  std::set<std::string> skus;
  for (const v1::PreviewedAnswer& answer : preview.answers()) {
    const bool hides = answer.status_before() != v1::AVAILABILITY_STATUS_HIDDEN &&
                       answer.status_after() == v1::AVAILABILITY_STATUS_HIDDEN;
    if (hides && answer.location_id().empty()) skus.insert(answer.sku());
  }
  return skus;
}

Velocity Sum(const std::set<std::string>& skus, const Velocities& velocities) {
  Velocity sum;
  for (const std::string& sku : skus) {
    const auto found = velocities.find(sku);
    if (found == velocities.end()) continue;
    sum.available += found->second.available;
    sum.units_per_day += found->second.units_per_day;
  }
  return sum;
}

std::set<std::string> Without(const std::set<std::string>& from,
                              const std::set<std::string>& what) {
  std::set<std::string> rest;
  std::set_difference(from.begin(), from.end(), what.begin(), what.end(),
                      std::inserter(rest, rest.end()));
  return rest;
}

void PrintRead(std::ostream& out, const AssessOptions& options, const AssessedChain& chain) {
  const auto day = [&](absl::Time moment) {
    return absl::FormatTime("%Y-%m-%d", moment, chain.zone);
  };
  out << options.sales_path << ": " << Counted(chain.sales.sales.size(), "row") << " of sales from "
      << day(chain.first_sale) << " to " << day(chain.as_of) << "\n"
      << options.stock_path << ": " << Counted(chain.levels.size(), "position") << " of "
      << Counted(chain.location_ids.size(), "location") << ", of which "
      << chain.sold_position_count << " ever sold; taken as of "
      << absl::FormatTime("%Y-%m-%d %H:%M", chain.as_of, chain.zone) << "\n";
  const size_t rejected = chain.sales.rejected.size() + chain.rejected.size();
  if (rejected > 0) {
    const files::RejectedRow& first =
        chain.sales.rejected.empty() ? chain.rejected.front() : chain.sales.rejected.front();
    out << Counted(rejected, "row") << " cannot be read, the first: " << first.where << ": "
        << first.reason << "\n";
  }
}

void PrintVanished(std::ostream& out, const Findings& findings) {
  int64_t units = 0;
  for (const v1::DoubtedPosition& position : findings.doubts.positions()) {
    units += position.on_hand();
  }
  out << "\n1. UNITS THAT PROBABLY VANISHED\n";
  if (findings.doubts.positions().empty()) {
    out << "No shelf is probably empty while its record says otherwise.\n";
  } else {
    const uint64_t count = findings.doubts.doubted_count();
    out << count << (count == 1 ? " shelf is" : " shelves are")
        << " probably empty although the record has stock. Count these "
        << findings.doubts.positions_size() << " first (" << Counted(units, "unit")
        << " on record):\n";
    PrintDoubts(out, findings.doubts);
  }
}

void PrintRuleCost(std::ostream& out, const AssessOptions& options, const Findings& findings) {
  const std::set<std::string> by_floor = HiddenItems(findings.floor);
  const std::set<std::string> by_velocity = HiddenItems(findings.velocity);
  const std::string floor_name = absl::StrCat("below ", options.threshold);
  const std::string velocity_name = absl::StrCat("1 cancelled order in ", options.risk_one_in);
  out << "\n2. WHAT 'BELOW " << options.threshold << "' COSTS\n";
  Table table({"RULE", ">ITEMS HIDDEN", ">UNITS HIDDEN", ">SALES A DAY HIDDEN"});
  const auto add = [&](const std::string& name, const std::set<std::string>& skus) {
    const Velocity sum = Sum(skus, findings.velocities);
    table.Add({name, absl::StrCat(skus.size()), absl::StrCat(sum.available),
               absl::StrFormat("%.1f", sum.units_per_day)});
  };
  add(floor_name, by_floor);
  add(velocity_name, by_velocity);
  add(absl::StrCat("only ", floor_name), Without(by_floor, by_velocity));
  add(absl::StrCat("only ", velocity_name), Without(by_velocity, by_floor));
  table.Print(out, "");
  out << "Items hidden only by '" << floor_name
      << "' could be sold: an order would fail less than once "
      << "in " << options.risk_one_in << ".\nItems hidden only by '" << velocity_name
      << "' would fail more often, although " << options.threshold << " or more are there.\n";
  const bool is_cut = findings.floor.changed_count() > kPreviewedMax ||
                      findings.velocity.changed_count() > kPreviewedMax;
  if (is_cut) {
    out << "Of more than " << kPreviewedMax
        << " changed answers only the first are counted here.\n";
  }
}

void PrintDying(std::ostream& out, const AssessedChain& chain, const Findings& findings) {
  out << "\n3. DEAD ITEMS STILL SELLABLE\n";
  const int64_t covered = absl::ToInt64Hours(chain.as_of - chain.first_sale) / 24;
  if (covered < kDeadSaleDays) {
    out << "The sales cover " << Counted(covered, "day") << "; to call an item dead takes "
        << kDeadSaleDays << ".\n";
    return;
  }
  Table table({"SKU", ">ON HAND", "LAST SALE"});
  for (const v1::DeadItem& item : findings.dead.items()) {
    table.Add({item.sku(), absl::StrCat(item.on_hand()),
               item.has_last_sale_at()
                   ? absl::FormatTime("%Y-%m-%d", FromProto(item.last_sale_at()), chain.zone)
                   : "none in the file"});
  }
  table.Print(out,
              absl::StrCat("Every item with stock sold in the last ", kDeadSaleDays, " days."));
  const uint64_t rest =
      findings.dead.dead_count() - static_cast<uint64_t>(findings.dead.items_size());
  if (rest > 0) out << "and " << rest << " more without a sale in " << kDeadSaleDays << " days\n";
}

void PrintIntervals(std::ostream& out, const AssessOptions& options, const Findings& findings) {
  out << "\n4. HOW OFTEN EACH STORE SHOULD EXPORT (1 wrong answer in " << options.risk_one_in
      << ")\n";
  v1::AdviseScheduleResponse shown = findings.schedule;
  const int rest = shown.locations_size() - kSchedulesShown;
  if (rest > 0) shown.mutable_locations()->DeleteSubrange(kSchedulesShown, rest);
  PrintSchedule(out, shown);
  if (rest > 0) out << "and " << Counted(rest, "more location") << "; --json lists them\n";
}

// The hub was told moved moments, so it names moved days.
void SayWhen(const AssessedChain& chain, v1::ListDoubtsResponse* doubts) {
  for (v1::DoubtedPosition& position : *doubts->mutable_positions()) {
    const auto last = chain.last_sales.find({position.sku(), position.location_id()});
    position.set_why(last == chain.last_sales.end()
                         ? "no sale in the file"
                         : absl::StrCat("last sold on ",
                                        absl::FormatTime("%Y-%m-%d", last->second, chain.zone)));
  }
}

absl::StatusOr<Findings> Find(Session& session, const AssessOptions& options,
                              const AssessedChain& chain) {
  if (absl::Status status = TellChain(session, chain); !status.ok()) return status;
  Findings findings;
  if (absl::Status status = AskInsights(session, options, &findings); !status.ok()) return status;
  if (absl::Status status = TryRules(session, options, &findings); !status.ok()) return status;
  absl::StatusOr<Velocities> velocities = AskVelocities(session, chain);
  if (!velocities.ok()) return velocities.status();
  findings.velocities = *std::move(velocities);
  findings.dead = DeadItems(chain);
  SayWhen(chain, &findings.doubts);
  return findings;
}

}  // namespace

absl::Status Assess(Session& session, const AssessOptions& options) {
  const absl::StatusOr<AssessedChain> chain = ReadChain(options, session.zone, absl::Now());
  if (!chain.ok()) return chain.status();
  const absl::StatusOr<std::unique_ptr<PrivateHub>> hub = PrivateHub::Start(options.onhandd);
  if (!hub.ok()) return hub.status();
  client::ConnectionOptions connection = session.hub.options();
  connection.credentials = nullptr;  // those are for the chain's hub
  connection.token = nullptr;
  connection.hub = (*hub)->address();
  connection.timeout = std::max(connection.timeout, kPatience);
  client::Connection own(connection);
  Session asked{.hub = own,
                .out = session.out,
                .err = session.err,
                .json = session.json,
                .out_is_terminal = session.out_is_terminal,
                .err_is_terminal = session.err_is_terminal,
                .zone = session.zone,
                .wait = session.wait};
  const absl::StatusOr<Findings> findings = Find(asked, options, *chain);
  if (!findings.ok()) return findings.status();
  if (session.json) {
    PrintJson(session, {{"doubts", &findings->doubts},
                        {"floor", &findings->floor},
                        {"velocity", &findings->velocity},
                        {"dead", &findings->dead},
                        {"schedule", &findings->schedule}});
    return absl::OkStatus();
  }
  PrintRead(session.out, options, *chain);
  PrintVanished(session.out, *findings);
  PrintRuleCost(session.out, options, *findings);
  PrintDying(session.out, *chain, *findings);
  PrintIntervals(session.out, options, *findings);
  return absl::OkStatus();
}

}  // namespace onhand::cli
