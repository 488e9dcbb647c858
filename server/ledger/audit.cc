#include "server/ledger/audit.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "google/protobuf/util/json_util.h"
#include "google/protobuf/util/message_differencer.h"
#include "onhand/v1/quarantine.pb.h"
#include "server/ledger/catalog_view.h"
#include "server/ledger/decide_stock.h"
#include "server/ledger/decide_tokens.h"
#include "server/ledger/decide_webhooks.h"

namespace onhand::ledger {
namespace {

using Shown = std::unique_ptr<google::protobuf::Message>;

struct Subject {
  v1::AuditSubject kind = v1::AUDIT_SUBJECT_UNSPECIFIED;  // unspecified: the fact is not told of
  std::string id;
  std::string action;
};

template <class Message>
Shown Show(Message message) {
  return std::make_unique<Message>(std::move(message));
}

std::string SkuOf(const State& state, uint32_t item) {
  const journal::Item* row = state.items.Find(item);
  return row == nullptr ? "" : row->sku();
}
std::string LocationIdOf(const State& state, uint32_t location) {
  const journal::Location* row = state.locations.Find(location);
  return row == nullptr ? "" : row->location_id();
}
Subject ItemSubject(const State& state, uint32_t item, std::string action) {
  return {v1::AUDIT_SUBJECT_ITEM, SkuOf(state, item), std::move(action)};
}
Subject LocationSubject(const State& state, uint32_t location, std::string action) {
  return {v1::AUDIT_SUBJECT_LOCATION, LocationIdOf(state, location), std::move(action)};
}
Subject PositionSubject(const State& state, uint32_t item, uint32_t location, std::string action) {
  return {v1::AUDIT_SUBJECT_POSITION,
          absl::StrCat(SkuOf(state, item), "@", LocationIdOf(state, location)), std::move(action)};
}

// As it is called before the fact.
Subject SubjectOf(const State& state, const journal::Fact& fact) {
  switch (fact.fact_case()) {
    case journal::Fact::kItemSet: {
      const journal::Item& item = fact.item_set().item();
      const journal::Item* known = state.items.Find(item.id());
      return {v1::AUDIT_SUBJECT_ITEM, known == nullptr ? item.sku() : known->sku(), "SET_ITEM"};
    }
    case journal::Fact::kItemRenamed:
      return ItemSubject(state, fact.item_renamed().item(), "RENAME_ITEM");
    case journal::Fact::kItemsMerged:
      return ItemSubject(state, fact.items_merged().duplicate(), "MERGE_ITEM");
    case journal::Fact::kItemStopped:
      return ItemSubject(state, fact.item_stopped().item(),
                         fact.item_stopped().stopped() ? "STOP_ITEM" : "RELEASE_ITEM");
    case journal::Fact::kLocationSet:
      return {v1::AUDIT_SUBJECT_LOCATION, fact.location_set().location().location_id(),
              "SET_LOCATION"};
    case journal::Fact::kLocationStateSet:
      return LocationSubject(state, fact.location_state_set().location(), "SET_LOCATION_STATE");
    case journal::Fact::kStocktakeAnnounced:
      return LocationSubject(state, fact.stocktake_announced().location(), "ANNOUNCE_STOCKTAKE");
    case journal::Fact::kGroupSet:
      return {v1::AUDIT_SUBJECT_GROUP, fact.group_set().group().group_id(), "SET_GROUP"};
    case journal::Fact::kChannelSet:
      return {v1::AUDIT_SUBJECT_CHANNEL, fact.channel_set().channel().channel_id(), "SET_CHANNEL"};
    case journal::Fact::kChainSet:
      return {v1::AUDIT_SUBJECT_CHAIN, "chain", "SET_CHAIN"};
    case journal::Fact::kRuleSet:
      return {v1::AUDIT_SUBJECT_RULE, fact.rule_set().rule().rule_id(), "SET_RULE"};
    case journal::Fact::kRuleEnded:
      return {v1::AUDIT_SUBJECT_RULE, fact.rule_ended().rule_id(), "END_RULE"};
    case journal::Fact::kMovementByPerson:
      return PositionSubject(state, fact.movement_by_person().item(),
                             fact.movement_by_person().location(), "MOVEMENT");
    case journal::Fact::kCorrectionsEnded:
      return PositionSubject(state, fact.corrections_ended().item(),
                             fact.corrections_ended().location(), "END_CORRECTIONS");
    case journal::Fact::kIncomingSet: {
      const journal::IncomingSet& set = fact.incoming_set();
      return {v1::AUDIT_SUBJECT_INCOMING,
              absl::StrCat(set.reference(), " ", SkuOf(state, set.item()), "@",
                           LocationIdOf(state, set.location())),
              set.units() == 0 ? "CLOSE_INCOMING" : "SET_INCOMING"};
    }
    case journal::Fact::kQuarantineEnded:
      return {v1::AUDIT_SUBJECT_QUARANTINE, absl::StrCat(fact.quarantine_ended().quarantine_id()),
              absl::StrCat("QUARANTINE_", fact.quarantine_ended().outcome())};
    case journal::Fact::kSourceRetired:
      return {v1::AUDIT_SUBJECT_SOURCE,
              std::string(state.SourceNameOf(fact.source_retired().source())), "RETIRE_SOURCE"};
    case journal::Fact::kTokenCreated:
      return {v1::AUDIT_SUBJECT_TOKEN, fact.token_created().token_id(), "CREATE_TOKEN"};
    case journal::Fact::kTokenRevoked:
      return {v1::AUDIT_SUBJECT_TOKEN, fact.token_revoked().token_id(), "REVOKE_TOKEN"};
    case journal::Fact::kWebhookSet:
      return {v1::AUDIT_SUBJECT_WEBHOOK, fact.webhook_set().webhook_id(), "SET_WEBHOOK"};
    case journal::Fact::kWebhookDeleted:
      return {v1::AUDIT_SUBJECT_WEBHOOK, fact.webhook_deleted().webhook_id(), "DELETE_WEBHOOK"};
    default:
      return {};
  }
}

Shown ShowItem(const State& state, uint32_t item) {
  const journal::Item* row = state.items.Find(item);
  return row == nullptr ? nullptr : Show(ItemOf(*row));
}
Shown ShowLocation(const State& state, uint32_t location) {
  const journal::Location* row = state.locations.Find(location);
  return row == nullptr ? nullptr : Show(LocationOf(state, *row));
}
Shown ShowRule(const State& state, const std::string& rule_id) {
  const journal::Rule* row = state.rules.Find(rule_id);
  return row == nullptr ? nullptr : Show(RuleOf(state, *row));
}
// What a person changes of it; the rest moves by itself.
Shown ShowPosition(const State& state, uint32_t item, uint32_t location) {
  const v1::Position whole = PositionOf(state, item, location);
  v1::Position position;
  position.set_on_hand(whole.on_hand());
  position.set_unavailable(whole.unavailable());
  position.set_corrections(whole.corrections());
  return Show(std::move(position));
}
Shown ShowIncoming(const State& state, const journal::IncomingSet& set) {
  const auto* open = state.incoming.Find(set.item());
  if (open == nullptr) return nullptr;
  for (const journal::IncomingSet& one : *open) {
    if (one.reference() == set.reference() && one.location() == set.location())
      return Show(IncomingOf(state, one));
  }
  return nullptr;
}
Shown ShowQuarantined(const State& state, uint64_t quarantine_id) {
  const journal::QuarantineEntry* kept = state.quarantine.Find(quarantine_id);
  if (kept == nullptr) return nullptr;
  v1::QuarantineEntry entry;
  entry.set_reason(kept->reason());
  entry.set_message(kept->message());
  entry.set_location_id(LocationIdOf(state, kept->location()));
  entry.set_sku(kept->sku());
  entry.set_quantity(kept->quantity());
  entry.set_is_snapshot(kept->is_snapshot());
  entry.set_snapshot_rows(kept->snapshot_rows());
  return Show(std::move(entry));
}
Shown ShowToken(const State& state, const std::string& token_id) {
  const journal::TokenCreated* token = state.tokens.Find(token_id);
  return token == nullptr ? nullptr : Show(TokenOf(*token));
}
// Of its URL the host alone: the rest may hold what only its owner should know.
Shown ShowWebhook(const State& state, const std::string& webhook_id) {
  const Webhook* webhook = state.webhooks.Find(webhook_id);
  if (webhook == nullptr) return nullptr;
  v1::Webhook shown = WebhookOf(state, *webhook);
  shown.clear_secret();
  const size_t host = shown.url().find("://");
  if (host != std::string::npos) shown.mutable_url()->resize(shown.url().find('/', host + 3));
  return Show(std::move(shown));
}

// What the contract says of a fact's subject; null: it is not there, or nothing shows it.
Shown ShownOf(const State& state, const journal::Fact& fact) {
  switch (fact.fact_case()) {
    case journal::Fact::kItemSet:
      return ShowItem(state, fact.item_set().item().id());
    case journal::Fact::kItemRenamed:
      return ShowItem(state, fact.item_renamed().item());
    case journal::Fact::kItemsMerged:
      return ShowItem(state, fact.items_merged().duplicate());
    case journal::Fact::kItemStopped:
      return ShowItem(state, fact.item_stopped().item());
    case journal::Fact::kLocationSet:
      return ShowLocation(state, fact.location_set().location().id());
    case journal::Fact::kLocationStateSet:
      return ShowLocation(state, fact.location_state_set().location());
    case journal::Fact::kStocktakeAnnounced:
      return ShowLocation(state, fact.stocktake_announced().location());
    case journal::Fact::kGroupSet: {
      const journal::Group* row = state.groups.Find(fact.group_set().group().id());
      return row == nullptr ? nullptr : Show(GroupOf(state, *row));
    }
    case journal::Fact::kChannelSet: {
      const journal::Channel* row = state.channels.Find(fact.channel_set().channel().id());
      return row == nullptr ? nullptr : Show(ChannelOf(state, *row));
    }
    case journal::Fact::kChainSet:
      return Show(ChainOf(state));
    case journal::Fact::kRuleSet:
      return ShowRule(state, fact.rule_set().rule().rule_id());
    case journal::Fact::kRuleEnded:
      return ShowRule(state, fact.rule_ended().rule_id());
    case journal::Fact::kMovementByPerson:
      return ShowPosition(state, fact.movement_by_person().item(),
                          fact.movement_by_person().location());
    case journal::Fact::kCorrectionsEnded:
      return ShowPosition(state, fact.corrections_ended().item(),
                          fact.corrections_ended().location());
    case journal::Fact::kIncomingSet:
      return ShowIncoming(state, fact.incoming_set());
    case journal::Fact::kQuarantineEnded:
      return ShowQuarantined(state, fact.quarantine_ended().quarantine_id());
    case journal::Fact::kTokenCreated:
      return ShowToken(state, fact.token_created().token_id());
    case journal::Fact::kTokenRevoked:
      return ShowToken(state, fact.token_revoked().token_id());
    case journal::Fact::kWebhookSet:
      return ShowWebhook(state, fact.webhook_set().webhook_id());
    case journal::Fact::kWebhookDeleted:
      return ShowWebhook(state, fact.webhook_deleted().webhook_id());
    default:
      return nullptr;
  }
}

// What every change moves along, and the entry says by itself.
void DropBookkeeping(google::protobuf::Message* message) {
  if (message == nullptr) return;
  for (const char* name : {"revision", "etag", "version", "author", "reason", "changed_at"}) {
    const auto* field = message->GetDescriptor()->FindFieldByName(name);
    // An entry of the quarantine has a reason of another kind.
    if (field == nullptr || message->GetDescriptor() == v1::QuarantineEntry::descriptor()) continue;
    message->GetReflection()->ClearField(message, field);
  }
}

// Whether a field says the same in both. A differencer for each number would cost more than all
// else that the audit does.
bool IsSame(const google::protobuf::Message& a, const google::protobuf::Message& b,
            const google::protobuf::FieldDescriptor* field) {
  using Field = google::protobuf::FieldDescriptor;
  const auto* reflection = a.GetReflection();
  if (!field->is_repeated() && field->has_presence() &&
      reflection->HasField(a, field) != reflection->HasField(b, field)) {
    return false;
  }
  if (field->is_repeated() || field->cpp_type() == Field::CPPTYPE_MESSAGE) {
    if (!field->is_repeated() && !reflection->HasField(a, field)) return true;
    const std::vector<const Field*> one = {field};
    return google::protobuf::util::MessageDifferencer().CompareWithFields(a, b, one, one);
  }
  switch (field->cpp_type()) {
    case Field::CPPTYPE_INT32:
      return reflection->GetInt32(a, field) == reflection->GetInt32(b, field);
    case Field::CPPTYPE_INT64:
      return reflection->GetInt64(a, field) == reflection->GetInt64(b, field);
    case Field::CPPTYPE_UINT32:
      return reflection->GetUInt32(a, field) == reflection->GetUInt32(b, field);
    case Field::CPPTYPE_UINT64:
      return reflection->GetUInt64(a, field) == reflection->GetUInt64(b, field);
    case Field::CPPTYPE_DOUBLE:
      return reflection->GetDouble(a, field) == reflection->GetDouble(b, field);
    case Field::CPPTYPE_FLOAT:
      return reflection->GetFloat(a, field) == reflection->GetFloat(b, field);
    case Field::CPPTYPE_BOOL:
      return reflection->GetBool(a, field) == reflection->GetBool(b, field);
    case Field::CPPTYPE_ENUM:
      return reflection->GetEnumValue(a, field) == reflection->GetEnumValue(b, field);
    case Field::CPPTYPE_STRING:
      return reflection->GetString(a, field) == reflection->GetString(b, field);
    case Field::CPPTYPE_MESSAGE:
      break;
  }
  return false;
}

// Leaves in both only the fields that differ.
void KeepDifferences(google::protobuf::Message& a, google::protobuf::Message& b) {
  const auto* descriptor = a.GetDescriptor();
  const auto* reflection = a.GetReflection();
  for (int i = 0; i < descriptor->field_count(); ++i) {
    const auto* field = descriptor->field(i);
    if (!IsSame(a, b, field)) continue;
    reflection->ClearField(&a, field);
    reflection->ClearField(&b, field);
  }
}

std::string JsonOf(const google::protobuf::Message* message) {
  if (message == nullptr) return "";
  if (message->ByteSizeLong() == 0) return "{}";
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  std::string json;
  if (!google::protobuf::util::MessageToJsonString(*message, &json, options).ok()) return "";
  if (json.size() <= kAuditJsonBytesMax) return json;
  constexpr absl::string_view kCut = "...";
  size_t end = kAuditJsonBytesMax - kCut.size();
  // Not within a character.
  while (end > 0 && (static_cast<unsigned char>(json[end]) & 0xC0) == 0x80) --end;
  return absl::StrCat(json.substr(0, end), kCut);
}

}  // namespace

AuditTrail::AuditTrail(Group* group, const AuditedCall* call)
    : group_(*group), call_(*call), first_fact_(group->fact_count()) {
  group_.Listen(this);
}

AuditTrail::~AuditTrail() { group_.Listen(nullptr); }

void AuditTrail::Before(const State& state, const journal::Fact& fact) {
  Subject subject = SubjectOf(state, fact);
  is_told_ = false;
  if (subject.kind == v1::AUDIT_SUBJECT_UNSPECIFIED) return;
  told_.set_change_count(told_.change_count() + 1);
  if (told_.changes_size() == kAuditChangesMax) return;
  is_told_ = true;
  before_ = ShownOf(state, fact);
  journal::AuditChange& change = *told_.add_changes();
  change.set_fact(static_cast<uint32_t>(group_.fact_count() - 1 - first_fact_));
  change.set_subject(subject.kind);
  change.set_subject_id(std::move(subject.id));
  change.set_action(std::move(subject.action));
}

void AuditTrail::After(const State& state, const journal::Fact& fact) {
  if (!is_told_) return;
  const Shown after = ShownOf(state, fact);
  DropBookkeeping(before_.get());
  DropBookkeeping(after.get());
  if (before_ != nullptr && after != nullptr) KeepDifferences(*before_, *after);
  journal::AuditChange& change = *told_.mutable_changes(told_.changes_size() - 1);
  change.set_before_json(JsonOf(before_.get()));
  change.set_after_json(JsonOf(after.get()));
}

void AuditTrail::Tell(absl::string_view request_id) {
  group_.Listen(nullptr);
  if (told_.change_count() == 0) return;
  journal::Fact fact;
  journal::Audited& audited = *fact.mutable_audited();
  audited = std::move(told_);
  audited.set_facts(static_cast<uint32_t>(group_.fact_count() - first_fact_));
  audited.set_principal(call_.principal);
  audited.set_token_id(call_.token_id);
  audited.set_role(call_.role);
  audited.set_peer(call_.peer);
  audited.set_port(call_.port);
  audited.set_method(call_.method);
  audited.set_request_id(std::string(request_id));
  audited.set_author(call_.author);
  audited.set_reason(call_.reason);
  group_.Add(std::move(fact));
}

}  // namespace onhand::ledger
