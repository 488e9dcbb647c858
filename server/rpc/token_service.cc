#include "server/rpc/token_service.h"

#include <functional>
#include <optional>
#include <utility>

#include "absl/synchronization/notification.h"
#include "server/ledger/decide_tokens.h"
#include "server/rpc/paging.h"
#include "server/rpc/token_text.h"
#include "server/rpc/unary.h"

namespace onhand::rpc {
namespace {

// Adds the text to the answer that tells of its own token. The hub keeps answers in the journal, so
// it is given none that has a text; an answer that it kept tells of an earlier token.
class Telling final : public Reply::Call {
 public:
  Telling(std::string text, std::string token_id, v1::CreateTokenResponse* response, Reply reply)
      : text_(std::move(text)),
        token_id_(std::move(token_id)),
        response_(response),
        reply_(reply) {}

  void Answer(const absl::Status& status) override {
    if (status.ok() && response_->token().token_id() == token_id_) response_->set_text(text_);
    reply_(status);
    delete this;
  }
  ledger::AuditedCall audited() const override { return reply_.audited(); }

 private:
  const std::string text_;
  const std::string token_id_;
  v1::CreateTokenResponse* const response_;
  const Reply reply_;
};

}  // namespace

void TokenService::Serve(CallQueue* queue) {
  using Service = v1::TokenService::AsyncService;
  ServeUnary(queue, &service_, &Service::RequestCreateToken,
             std::bind_front(&TokenService::CreateToken, this));
  ServeUnary(queue, &service_, &Service::RequestListTokens,
             std::bind_front(&TokenService::ListTokens, this));
  ServeUnary(queue, &service_, &Service::RequestRevokeToken,
             WriteOf(hub_, ledger::DecideRevokeToken));
}

void TokenService::CreateToken(const v1::CreateTokenRequest& request,
                               v1::CreateTokenResponse* response, Reply reply) {
  const std::string text = NewTokenText();
  const std::string sha256 = Sha256Of(text);
  // Deletes itself when it has answered.
  auto* telling = new Telling(text, ledger::TokenIdOf(sha256), response, reply);
  SubmitWrite(hub_, request, response, Reply(telling),
              [sha256](ledger::Group& group, const v1::CreateTokenRequest& asked) {
                return ledger::DecideCreateToken(group, asked, sha256);
              });
}

absl::Status TokenService::ListTokens(const v1::ListTokensRequest& request,
                                      v1::ListTokensResponse* response) {
  constexpr char kList[] = "tokens";
  const absl::StatusOr<Page> page = ReadPage(request.page_size(), request.page_token(), kList);
  if (!page.ok()) return page.status();
  std::optional<std::string> after;
  if (!page->after.empty()) after = page->after;
  return hub_->Read([&](const ledger::Ledger& ledger) -> absl::Status {
    const auto& tokens = ledger.state().tokens;
    const std::vector<std::string> ids =
        KeysAfter(tokens, after, page->size + 1, [](const auto&) { return true; });
    for (const std::string& id : ids) {
      if (static_cast<size_t>(response->tokens_size()) == page->size) {
        response->set_next_page_token(
            PageToken(kList, response->tokens(response->tokens_size() - 1).token_id()));
        break;
      }
      *response->add_tokens() = ledger::TokenOf(*tokens.Find(id));
    }
    return absl::OkStatus();
  });
}

bool AnAdminTokenHolds(hub::Hub* hub) {
  return hub->Read([](const ledger::Ledger& ledger) {
    return ledger::AnAdminTokenHolds(ledger.state(), ledger.state().counters.time_us);
  });
}

absl::StatusOr<std::string> MakeFirstToken(hub::Hub* hub, const std::string& text) {
  v1::CreateTokenRequest request;
  request.set_principal("first-admin");
  request.set_role(v1::ROLE_ADMIN);
  request.set_author("onhandd");
  request.set_reason("the hub started without an admin's token that holds");
  absl::Status status;
  absl::Notification done;
  hub::Write write;
  write.call = {.principal = "onhandd",
                .port = v1::AUDIT_PORT_NONE,
                .method = "onhandd",
                .author = request.author(),
                .reason = request.reason()};
  write.decide = [&](ledger::Group& group) -> absl::StatusOr<std::string> {
    const auto made = ledger::DecideCreateToken(group, request, Sha256Of(text));
    if (!made.ok()) return made.status();
    return made->token().token_id();
  };
  write.done = [&](absl::StatusOr<std::string> answer) {
    status = answer.status();
    done.Notify();
  };
  hub->Submit(std::move(write));
  done.WaitForNotification();
  if (!status.ok()) return status;
  return text;
}

}  // namespace onhand::rpc
