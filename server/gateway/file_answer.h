// What the sender of a file is told, as JSON. A value of one request.
#ifndef ONHAND_SERVER_GATEWAY_FILE_ANSWER_H_
#define ONHAND_SERVER_GATEWAY_FILE_ANSWER_H_

#include <memory>
#include <string>
#include <vector>

#include "clients/files/rows.h"
#include "onhand/v1/report.pb.h"

namespace onhand::gateway {

class FileAnswer {
 public:
  static constexpr size_t kRejectedMax = 100;

  FileAnswer(const std::string& location_id, const std::string& name, const files::Export& file);
  ~FileAnswer();

  // `refused` rows were not taken by the hub; `problems` says why, as far as it is still known,
  // with the file's lines as rows.
  void SetTold(bool already, uint64_t revision, uint32_t refused,
               const std::vector<v1::RowProblem>& problems);
  void SetVerdict(const std::string& state, uint64_t quarantine_id, const std::string& reason,
                  const std::string& message);

  std::string ToJson() const;

 private:
  struct Content;
  std::unique_ptr<Content> content_;
};

}  // namespace onhand::gateway

#endif  // ONHAND_SERVER_GATEWAY_FILE_ANSWER_H_
