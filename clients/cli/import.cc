#include "clients/cli/import.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "clients/cli/catalog_csv.h"
#include "clients/cli/csv.h"
#include "clients/cli/progress.h"
#include "clients/cpp/refusal.h"
#include "onhand/v1/catalog.grpc.pb.h"

namespace onhand::cli {
namespace {

constexpr size_t kBatchElementsMax = 1000;
// Items with many aliases fill a message before they are 1,000.
constexpr size_t kBatchBytesMax = 1 << 20;

// How many of `elements` make the next batch.
template <typename Element>
size_t BatchSize(absl::Span<const Element> elements) {
  size_t bytes = 0;
  size_t count = 0;
  while (count < elements.size() && count < kBatchElementsMax) {
    bytes += elements[count].ByteSizeLong();
    if (count > 0 && bytes > kBatchBytesMax) break;
    ++count;
  }
  return count;
}

absl::Status FileErrors(const std::string& path, const std::vector<std::string>& errors) {
  return absl::InvalidArgumentError(
      absl::StrCat("nothing of '", path, "' was sent, because of\n  ", FirstErrors(errors)));
}

// The hub's refusal with the line of the element it names, and what became of the rows before it.
absl::Status BatchError(const absl::Status& status, const ImportOptions& options,
                        absl::Span<const int> lines, size_t sent) {
  const client::Refusal refusal = client::RefusalOf(status);
  std::string where = options.path;
  if (refusal.index && *refusal.index >= 0 && static_cast<size_t>(*refusal.index) < lines.size()) {
    absl::StrAppend(&where, " line ", lines[*refusal.index]);
  } else if (!lines.empty()) {
    absl::StrAppend(&where, " lines ", lines.front(), " to ", lines.back());
  }
  std::string text = absl::StrCat(where, ": ", client::Describe(status));
  if (sent > 0 && !options.dry_run) {
    absl::StrAppend(&text, " (the ", sent,
                    " rows before it are imported; mend it and import the file again)");
  }
  absl::Status result(status.code(), text);
  status.ForEachPayload(
      [&](absl::string_view url, const absl::Cord& payload) { result.SetPayload(url, payload); });
  return result;
}

template <typename Response>
void Report(Session& session, const ImportOptions& options, const char* what,
            const Response& total) {
  if (session.json) return PrintJson(session, total);
  session.out << what << (options.dry_run ? " (dry run, nothing changed): " : ": ")
              << total.created_count() << " new, " << total.updated_count() << " changed, "
              << total.unchanged_count() << " unchanged\n";
}

// Sends `imported` batch by batch. `fill` moves a batch's elements into a request.
template <typename Element, typename Request, typename Response, typename Fill>
absl::Status Send(Session& session, const ImportOptions& options, const char* what,
                  const Imported<Element>& imported,
                  grpc::Status (v1::CatalogService::Stub::*method)(grpc::ClientContext*,
                                                                   const Request&, Response*),
                  Fill fill) {
  if (!imported.errors.empty()) return FileErrors(options.path, imported.errors);
  const size_t count = imported.elements.size();
  Response total;
  for (size_t sent = 0; sent < count;) {
    ShowProgress(session, sent, count);
    const auto rest = absl::MakeConstSpan(imported.elements).subspan(sent);
    const size_t size = BatchSize(rest);
    Request request;
    request.set_dry_run(options.dry_run);
    for (const Element& element : rest.first(size)) *fill(request) = element;
    const absl::StatusOr<Response> response = session.hub.Write(method, std::move(request));
    if (!response.ok()) {
      if (session.err_is_terminal) session.err << "\n";
      const auto lines = absl::MakeConstSpan(imported.lines).subspan(sent, size);
      return BatchError(response.status(), options, lines, sent);
    }
    total.set_created_count(total.created_count() + response->created_count());
    total.set_updated_count(total.updated_count() + response->updated_count());
    total.set_unchanged_count(total.unchanged_count() + response->unchanged_count());
    total.set_revision(response->revision());
    sent += size;
  }
  ShowProgress(session, count, count);
  Report(session, options, what, total);
  return absl::OkStatus();
}

}  // namespace

absl::Status ImportItems(Session& session, const ImportOptions& options) {
  const absl::StatusOr<std::string> csv = ReadFile(options.path);
  if (!csv.ok()) return csv.status();
  return Send(session, options, "items", ReadItems(*csv),
              &v1::CatalogService::Stub::BatchUpsertItems,
              [](v1::BatchUpsertItemsRequest& request) { return request.add_items(); });
}

absl::Status ImportLocations(Session& session, const ImportOptions& options) {
  const absl::StatusOr<std::string> csv = ReadFile(options.path);
  if (!csv.ok()) return csv.status();
  return Send(session, options, "locations", ReadLocations(*csv),
              &v1::CatalogService::Stub::BatchUpsertLocations,
              [](v1::BatchUpsertLocationsRequest& request) { return request.add_locations(); });
}

}  // namespace onhand::cli
