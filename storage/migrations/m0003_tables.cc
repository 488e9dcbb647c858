#include "storage/migrations/migrations.h"

namespace onhand::storage {

// Plain tables for people and reports. Times are microseconds since 1970 in UTC.
// `projection_head` is one row: who writes, and up to which revision the tables tell the journal.
extern const Migration kTablesMigration;
const Migration kTablesMigration = {3, "tables", SchemaPart::kTables, R"sql(
CREATE TABLE IF NOT EXISTS projection_head (
  id                         {int64} NOT NULL PRIMARY KEY,
  writer_epoch               {int64} NOT NULL,
  through_revision           {int64} NOT NULL,
  movements_through_revision {int64} NOT NULL
) {plain};

INSERT INTO projection_head (id, writer_epoch, through_revision, movements_through_revision)
SELECT 1, 0, 0, 0 FROM (SELECT COUNT(*) AS heads FROM projection_head) AS counted WHERE heads = 0;

CREATE TABLE IF NOT EXISTS location (
  location_id      {id}    NOT NULL PRIMARY KEY,
  name             {text}  NOT NULL,
  time_zone        {id}    NOT NULL,
  state            {id}    NOT NULL,
  known_through_us {int64},
  revision         {int64} NOT NULL
) {keyed};

CREATE TABLE IF NOT EXISTS item (
  sku        {id}    NOT NULL PRIMARY KEY,
  name       {text}  NOT NULL,
  parent_sku {id}    NOT NULL,
  category   {text}  NOT NULL,
  supply     {id}    NOT NULL,
  published  {int32} NOT NULL,
  stopped    {int32} NOT NULL,
  revision   {int64} NOT NULL
) {keyed};

CREATE TABLE IF NOT EXISTS rule (
  rule_id         {id}    NOT NULL PRIMARY KEY,
  definition_json {text}  NOT NULL,
  version         {int64} NOT NULL,
  ended           {int32} NOT NULL,
  revision        {int64} NOT NULL
) {keyed};

CREATE TABLE IF NOT EXISTS stock (
  sku         {id}    NOT NULL,
  location_id {id}    NOT NULL,
  on_hand     {int32} NOT NULL,
  unavailable {int32} NOT NULL,
  held        {int32} NOT NULL,
  committed   {int32} NOT NULL,
  revision    {int64} NOT NULL,
  PRIMARY KEY (sku, location_id)
) {keyed};

CREATE TABLE IF NOT EXISTS movement (
  revision       {int64} NOT NULL,
  ordinal        {int64} NOT NULL,
  sku            {id}    NOT NULL,
  location_id    {id}    NOT NULL,
  kind           {id}    NOT NULL,
  source_id      {id}    NOT NULL,
  quantity       {int64} NOT NULL,
  occurred_at_us {int64} NOT NULL,
  inferred       {int32} NOT NULL,
  PRIMARY KEY (revision, ordinal)
) {keyed};

CREATE TABLE IF NOT EXISTS display_change (
  revision      {int64} NOT NULL,
  ordinal       {int64} NOT NULL,
  sku           {id}    NOT NULL,
  channel_id    {id}    NOT NULL,
  status        {id}    NOT NULL,
  rule_id       {id}    NOT NULL,
  salable       {int64} NOT NULL,
  changed_at_us {int64} NOT NULL,
  PRIMARY KEY (revision, ordinal)
) {keyed};

CREATE TABLE IF NOT EXISTS audit (
  revision        {int64} NOT NULL,
  ordinal         {int64} NOT NULL,
  action          {id}    NOT NULL,
  subject         {text}  NOT NULL,
  author          {text}  NOT NULL,
  reason          {text}  NOT NULL,
  committed_at_us {int64} NOT NULL,
  PRIMARY KEY (revision, ordinal)
) {keyed};
)sql"};

}  // namespace onhand::storage
