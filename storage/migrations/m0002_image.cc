#include "storage/migrations/migrations.h"

namespace onhand::storage {

// The row in `image` is the seal: blocks of a revision without one are no image.
extern const Migration kImageMigration;
const Migration kImageMigration = {2, "image", SchemaPart::kTruth, R"sql(
CREATE TABLE IF NOT EXISTS image (
  revision        {int64} NOT NULL PRIMARY KEY,
  chain           {int64} NOT NULL,
  committed_at_us {int64} NOT NULL,
  block_count     {int64} NOT NULL
) {plain};

CREATE TABLE IF NOT EXISTS image_block (
  revision {int64} NOT NULL,
  block    {int64} NOT NULL,
  crc32c   {int64} NOT NULL,
  bytes    {blob}  NOT NULL,
  PRIMARY KEY (revision, block)
) {plain};
)sql"};

}  // namespace onhand::storage
