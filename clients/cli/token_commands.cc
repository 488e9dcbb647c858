// The commands about tokens and what was done with them; used in tokens.cc and audit.cc.
#include "clients/cli/audit.h"
#include "clients/cli/commands.h"
#include "clients/cli/tokens.h"
#include "onhand/v1/audit.pb.h"
#include "onhand/v1/tokens.pb.h"

namespace onhand::cli {
namespace {

void DescribeCreate(CLI::App& command, TokenOptions& options) {
  command.add_option("PRINCIPAL", options.principal, "whose token, such as agent-madrid-1")
      ->required();
  AddChoice<v1::Role>(command, "--role", options.role, "what it is for")->required();
  AddRepeated(command, "--location", options.location_ids,
              "a location of an agent or a store; may be repeated");
  command.add_option("--days", options.days, "how long it holds")
      ->check(CLI::Range(1, 3'660))
      ->capture_default_str();
  command.add_option("--out", options.out_file,
                     "a new file for the token, readable by you alone; else it is printed");
  AddAuthor(command, options.author);
  AddReason(command, options.reason);
}

void DescribeRevoke(CLI::App& command, TokenOptions& options) {
  command.add_option("ID", options.token_id, "the token's id, from token list")->required();
  AddAuthor(command, options.author);
  AddReason(command, options.reason);
}

void DescribeAudit(CLI::App& command, AuditOptions& options) {
  AddChoice<v1::AuditSubject>(command, "--subject", options.subject,
                              "only changes of this kind of thing");
  command.add_option("--id", options.subject_id,
                     "only of this one: a rule's id, a SKU, SKU@LOCATION, a token's id");
  command.add_option("--by", options.principal, "only with a token of this name");
  command.add_option("--since", options.since, "only from then on, or the last so long (2h)");
  command.add_option("--method", options.method, "only by this call, such as SetRule");
  command.add_option("--limit", options.limit, "entries to show, the newest first")
      ->check(CLI::Range(1, 10'000))
      ->capture_default_str();
}

}  // namespace

void AddTokens(CLI::App& app, Command* chosen) {
  CLI::App& token = AddGroup(app, "token", "Who may call the hub");
  Add<TokenOptions>(token, chosen, "create", "Make a token; its text is shown once", DescribeCreate,
                    CreateToken);
  token.add_subcommand("list", "List tokens, without their texts")->callback([chosen] {
    *chosen = ListTokens;
  });
  Add<TokenOptions>(token, chosen, "revoke", "End a token at once", DescribeRevoke, RevokeToken);
  Add<AuditOptions>(app, chosen, "audit",
                    "Show who changed what, from where, and what it was before; the newest 10,000 "
                    "calls, older ones are in the table audit",
                    DescribeAudit, ShowAudit);
}

}  // namespace onhand::cli
