#include "server/rpc/audit_service.h"

#include <algorithm>
#include <functional>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "server/ledger/catalog_view.h"
#include "server/ledger/refusal.h"
#include "server/ledger/reservations.h"
#include "server/rpc/paging.h"
#include "server/rpc/unary_call.h"

namespace onhand::rpc {
namespace {

using ledger::journal::Audited;

// So many are looked at under one lock; a search that finds little goes on in slices.
constexpr uint64_t kSliceEntries = 500;

bool Matches(const Audited& entry, const v1::ListAuditRequest& request, int64_t since_us) {
  if (!request.principal().empty() && entry.principal() != request.principal()) return false;
  if (entry.at_us() < since_us) return false;
  if (!request.method().empty() && entry.method() != request.method() &&
      !absl::EndsWith(entry.method(), absl::StrCat("/", request.method()))) {
    return false;
  }
  if (request.subject() == v1::AUDIT_SUBJECT_UNSPECIFIED && request.subject_id().empty())
    return true;
  return std::any_of(
      entry.changes().begin(), entry.changes().end(),
      [&](const ledger::journal::AuditChange& change) {
        return (request.subject() == v1::AUDIT_SUBJECT_UNSPECIFIED ||
                change.subject() == static_cast<uint32_t>(request.subject())) &&
               (request.subject_id().empty() || change.subject_id() == request.subject_id());
      });
}

v1::AuditEntry EntryOf(const Audited& kept) {
  v1::AuditEntry entry;
  entry.set_number(kept.number());
  entry.set_revision(kept.revision());
  *entry.mutable_at() = ledger::TimestampOf(kept.at_us());
  entry.set_principal(kept.principal().empty() ? "insecure" : kept.principal());
  entry.set_token_id(kept.token_id());
  entry.set_role(static_cast<v1::Role>(kept.role()));
  entry.set_peer(kept.peer());
  entry.set_port(static_cast<v1::AuditPort>(kept.port()));
  entry.set_method(kept.method());
  if (!kept.request_id().empty())
    entry.set_request_id(ledger::ReservationIdText(kept.request_id()));
  entry.set_author(kept.author());
  entry.set_reason(kept.reason());
  entry.set_change_count(kept.change_count());
  for (const ledger::journal::AuditChange& change : kept.changes()) {
    v1::AuditChange& told = *entry.add_changes();
    told.set_subject(static_cast<v1::AuditSubject>(change.subject()));
    told.set_subject_id(change.subject_id());
    told.set_action(change.action());
    told.set_before_json(change.before_json());
    told.set_after_json(change.after_json());
  }
  return entry;
}

}  // namespace

void AuditService::Serve(CallQueue* queue) {
  ServeUnary(queue, &service_, &v1::AuditService::AsyncService::RequestListAudit,
             std::bind_front(&AuditService::ListAudit, this));
}

absl::Status AuditService::ListAudit(const v1::ListAuditRequest& request,
                                     v1::ListAuditResponse* response) {
  if (!v1::AuditSubject_IsValid(request.subject())) {
    return ledger::Refuse(absl::StatusCode::kInvalidArgument,
                          {.reason = "INVALID_SUBJECT",
                           .field = "subject",
                           .value = absl::StrCat(static_cast<int>(request.subject())),
                           .problem = "is no kind of subject",
                           .remedy = "see AuditSubject"});
  }
  const std::string list =
      absl::StrCat("audit\n", static_cast<int>(request.subject()), "\n", request.subject_id(), "\n",
                   request.principal(), "\n", request.method(), "\n", request.since().seconds());
  const absl::StatusOr<Page> page = ReadPage(request.page_size(), request.page_token(), list);
  if (!page.ok()) return page.status();
  const int64_t since_us = request.has_since() ? ledger::MicrosOf(request.since()) : INT64_MIN;
  // Entries below this number, the newest first.
  uint64_t below = UINT64_MAX;
  if (!page->after.empty() && !absl::SimpleAtoi(page->after, &below)) {
    return RefusePageToken(request.page_token());
  }
  bool ended = false;
  while (!ended) {
    ended = hub_->Read([&](const ledger::Ledger& ledger) {
      const ledger::AuditLog& log = ledger.state().audit;
      response->set_dropped_through_revision(log.dropped_through_revision);
      below = std::min(below, log.end);
      for (uint64_t looked = 0; looked < kSliceEntries && below > log.first(); ++looked) {
        const Audited entry = log.At(below - 1);
        if (Matches(entry, request, since_us)) {
          if (static_cast<size_t>(response->entries_size()) == page->size) {
            response->set_next_page_token(PageToken(list, absl::StrCat(below)));
            return true;
          }
          *response->add_entries() = EntryOf(entry);
        }
        --below;
      }
      return below <= log.first();
    });
  }
  return absl::OkStatus();
}

}  // namespace onhand::rpc
