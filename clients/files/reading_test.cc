// How the bytes of an export become movements.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "clients/files/check.h"
#include "clients/files/csv.h"
#include "clients/files/rows.h"

namespace onhand::files {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

absl::TimeZone Berlin() {
  absl::TimeZone zone;
  EXPECT_TRUE(absl::LoadTimeZone("Europe/Berlin", &zone));
  return zone;
}

absl::Time Utc(const std::string& text) {
  absl::Time at;
  std::string error;
  EXPECT_TRUE(absl::ParseTime(absl::RFC3339_full, text, &at, &error)) << error;
  return at;
}

const absl::Time kFileTime = absl::FromUnixSeconds(1'780'000'000);

absl::StatusOr<Export> Read(const std::string& name, const std::string& bytes,
                            const std::string& mapping = "{}") {
  const absl::StatusOr<Mapping> parsed = ParseMapping(mapping);
  EXPECT_TRUE(parsed.ok()) << parsed.status();
  return ReadExport({name, bytes, kFileTime}, *parsed, {"S1", {"S1"}});
}

std::string ReasonOf(const absl::StatusOr<Export>& read) {
  return std::string(read.status().message());
}

// "SKU quantity" of every row.
std::vector<std::string> Rows(const absl::StatusOr<Export>& read) {
  EXPECT_TRUE(read.ok()) << read.status();
  std::vector<std::string> rows;
  if (!read.ok()) return rows;
  for (const ReadRow& row : read->rows) {
    rows.push_back(row.movement.sku() + " " + std::to_string(row.movement.quantity()));
  }
  return rows;
}

TEST(EncodingTest, MarksDecideAndInvalidUtf8IsWindows1252) {
  EXPECT_EQ(DecodeText("\xEF\xBB\xBF\xC3\xA4", Encoding::kDetect)->text, "ä");
  EXPECT_EQ(DecodeText(std::string("\xFF\xFE\xE4\0", 4), Encoding::kDetect)->text, "ä");
  EXPECT_EQ(DecodeText(std::string("\xFE\xFF\0\xE4", 4), Encoding::kDetect)->text, "ä");
  EXPECT_EQ(DecodeText(std::string("\xFF\xFE\x3D\xD8\x00\xDE", 6), Encoding::kDetect)->text, "😀");
  const auto windows = DecodeText("St\xFC\x63k \x80", Encoding::kDetect);
  EXPECT_EQ(windows->text, "Stück €");
  EXPECT_EQ(windows->encoding, Encoding::kWindows1252);
}

TEST(EncodingTest, BytesThatBreakADeclaredEncodingAreNamed) {
  EXPECT_THAT(std::string(DecodeText("\xFC", Encoding::kUtf8).status().message()),
              HasSubstr("encoding"));
  EXPECT_FALSE(DecodeText("abc", Encoding::kUtf16LittleEndian).ok());
  EXPECT_FALSE(IsUtf8("\xC0\x80"));
  EXPECT_FALSE(IsUtf8("\xED\xA0\x80"));
}

TEST(CsvTest, QuotesKeepDelimitersQuotesAndLineEnds) {
  const auto records = SplitCsv("a,\"b,\"\"c\"\"\nd\"\r\n\r\ne,f", ',');
  ASSERT_THAT(records, SizeIs(2));
  EXPECT_THAT(records[0].fields, ElementsAre("a", "b,\"c\"\nd"));
  EXPECT_THAT(records[1].fields, ElementsAre("e", "f"));
  EXPECT_EQ(records[1].line, 4u);
}

TEST(CsvTest, AStrayQuoteCostsItsOwnLineOnly) {
  const auto records = SplitCsv("a,\"b\nc,d\n", ',');
  ASSERT_THAT(records, SizeIs(2));
  EXPECT_TRUE(records[0].unclosed_quote);
  EXPECT_THAT(records[1].fields, ElementsAre("c", "d"));
}

TEST(CsvTest, TheDelimiterThatSplitsEvenlyWins) {
  EXPECT_EQ(DetectDelimiter("sku;name;qty\n1;a,b;2\n2;c,d;3\n"), ';');
  EXPECT_EQ(DetectDelimiter("sku\tqty\n1\t1,5\n"), '\t');
  EXPECT_EQ(DetectDelimiter("sku|qty\n"), '|');
  EXPECT_EQ(DetectDelimiter(""), ',');
}

TEST(QuantityTest, SignsStandAnywhere) {
  for (const char* text : {"-5", "5-", "(5)", "\u22125", " 5 - "}) {
    EXPECT_EQ(*ParseQuantity(text, DecimalMark::kPoint), -5) << text;
  }
  EXPECT_EQ(*ParseQuantity("+7", DecimalMark::kPoint), 7);
}

TEST(QuantityTest, GroupsAndZeroFractionsAreWholeUnits) {
  EXPECT_EQ(*ParseQuantity("1,250", DecimalMark::kPoint), 1250);
  EXPECT_EQ(*ParseQuantity("1.250,00", DecimalMark::kComma), 1250);
  EXPECT_EQ(*ParseQuantity("1 000 000", DecimalMark::kPoint), 1'000'000);
  for (const char* text : {"", "-", "1.5", "12,50", "1,2,3", "a", "1e3", "5-5", ",5"}) {
    EXPECT_FALSE(ParseQuantity(text, DecimalMark::kPoint).ok()) << text;
  }
  EXPECT_THAT(std::string(ParseQuantity("1099511627776", DecimalMark::kPoint).status().message()),
              HasSubstr("1,000,000,000"));
}

TEST(QuantityTest, AColumnShowsItsDecimalMark) {
  EXPECT_EQ(*DetectDecimalMark({"1.250,00", "3"}), DecimalMark::kComma);
  EXPECT_EQ(*DetectDecimalMark({"0.000", "1.000"}), DecimalMark::kPoint);
  EXPECT_EQ(*DetectDecimalMark({"1.250.000"}), DecimalMark::kComma);
  EXPECT_EQ(*DetectDecimalMark({"7", "1.250"}), DecimalMark::kComma);
  EXPECT_EQ(*DetectDecimalMark({"7", "12"}), DecimalMark::kPoint);
  EXPECT_FALSE(DetectDecimalMark({"1.250", "3.000"}).ok());
}

TEST(MomentTest, TheFormsThatTillsPrint) {
  MomentRules rules;
  rules.zone = Berlin();
  MomentReader reader(rules);
  const absl::Time noon = Utc("2026-07-01T10:00:00Z");
  for (const char* text : {"2026-07-01 12:00:00", "2026-07-01T10:00:00Z",
                           "2026-07-01T12:00:00+02:00", "01.07.2026 12:00", "1.7.26 12:00:00",
                           "01/07/2026 12:00 PM", "20260701120000", "202607011200", "1782900000",
                           "1782900000000", "1782900000000000", "2026-07-01 12:00:00.000"}) {
    const absl::StatusOr<absl::Time> at = reader.Read(text);
    ASSERT_TRUE(at.ok()) << text << at.status();
    EXPECT_EQ(*at, noon) << text << " is " << absl::FormatTime(*at);
  }
  EXPECT_EQ(*reader.Read("2026-07-01"), Utc("2026-07-01T21:59:59Z"));
  for (const char* text : {"", "soon", "31.04.2026", "2026-13-01", "2026-07-01 25:00", "12:00",
                           "2026-07-01 12:00 CEST"}) {
    EXPECT_FALSE(reader.Read(text).ok()) << text;
  }
}

TEST(MomentTest, ARepeatedHourFollowsTheRowsBeforeIt) {
  MomentRules rules;
  rules.zone = Berlin();
  MomentReader reader(rules);
  EXPECT_EQ(*reader.Read("2026-10-25 02:10"), Utc("2026-10-25T00:10:00Z"));
  EXPECT_EQ(*reader.Read("2026-10-25 02:50"), Utc("2026-10-25T00:50:00Z"));
  EXPECT_EQ(*reader.Read("2026-10-25 02:10"), Utc("2026-10-25T01:10:00Z"));
  EXPECT_EQ(*reader.Read("2026-10-25 02:50"), Utc("2026-10-25T01:50:00Z"));
  EXPECT_EQ(*reader.Read("2026-10-25 03:00"), Utc("2026-10-25T02:00:00Z"));
  // A row of the afternoon says nothing about an earlier one in a file without order.
  EXPECT_EQ(*reader.Read("2026-10-25 15:00"), Utc("2026-10-25T14:00:00Z"));
  EXPECT_EQ(*reader.Read("2026-10-25 02:30"), Utc("2026-10-25T00:30:00Z"));
  rules.repeated = RepeatedTime::kSecond;
  EXPECT_EQ(*MomentReader(rules).Read("2026-10-25 02:10"), Utc("2026-10-25T01:10:00Z"));
}

TEST(MomentTest, AMissingHourIsShiftedOrRejected) {
  MomentRules rules;
  rules.zone = Berlin();
  EXPECT_EQ(*MomentReader(rules).Read("2026-03-29 02:30"), Utc("2026-03-29T01:30:00Z"));
  rules.missing = MissingTime::kReject;
  EXPECT_THAT(std::string(MomentReader(rules).Read("2026-03-29 02:30").status().message()),
              HasSubstr("does not exist in Europe/Berlin"));
}

TEST(MomentTest, DayOrMonthFirstIsSeenInTheColumn) {
  EXPECT_EQ(*DetectDateOrder({"03/04/2026", "13/04/2026"}), DateOrder::kDayFirst);
  EXPECT_EQ(*DetectDateOrder({"03/04/2026", "04/13/2026"}), DateOrder::kMonthFirst);
  EXPECT_FALSE(DetectDateOrder({"03/04/2026"}).ok());
}

TEST(MappingTest, ErrorsNameKeyValueAndRemedy) {
  for (const char* json :
       {"[]", R"({"kinds": 1})", R"({"kind": "GUESS"})", R"({"columns": {"size": "x"}})",
        R"({"time_zone": "Mars"})", R"({"delimiter": "x"})", R"({"as_of": "file_name"})",
        R"({"trim": "yes"})", R"({"sku_zero_pad": -1})"}) {
    const absl::StatusOr<Mapping> mapping = ParseMapping(json);
    EXPECT_FALSE(mapping.ok()) << json;
    EXPECT_THAT(std::string(mapping.status().message()), HasSubstr("mapping: ")) << json;
  }
}

TEST(ExportTest, HeadersInThreeLanguagesAreUnderstood) {
  EXPECT_THAT(Rows(Read("ventas.csv", "Código;Cantidad;Fecha;Hora\nA;2;01.03.2026;10:00\n")),
              ElementsAre("A 2"));
  EXPECT_THAT(Rows(Read("x.csv", "Artikel-Nr.;Verkauft;Datum\nA;2;01.03.2026\n")),
              ElementsAre("A 2"));
  const auto levels = Read("x.csv", "SKU,Qty on Hand\nA,2\n");
  EXPECT_THAT(Rows(levels), ElementsAre("A 2"));
  EXPECT_TRUE(levels->layout.IsSnapshot());
}

TEST(ExportTest, AMappingNamesWhatIsNotDetected) {
  const auto read =
      Read("t.csv", "S0071;3;V\n",
           R"({"header": ["n", "q", "t"], "columns": {"sku": "n", "quantity": "q", "kind": "t"},
                             "kind_words": {"V": "SALE"}})");
  EXPECT_THAT(Rows(read), ElementsAre("S0071 3"));
  EXPECT_EQ(read->rows[0].movement.kind(), v1::MOVEMENT_KIND_SALE);
  EXPECT_EQ(read->rows[0].movement.location_id(), "S1");
}

TEST(ExportTest, BrokenRowsAreKeptOutWithTheirReasonAndBlockNothing) {
  const auto read = Read("sales.csv",
                         "sku,qty,timestamp\nA,1,2026-03-01 10:00\nB\n,1,2026-03-01 10:00\n"
                         "C,x,2026-03-01 10:00\nD,1,never\n" +
                             std::string(65, 'E') +
                             ",1,2026-03-01 10:00\nF\x01,1,2026-03-01 10:00\n"
                             "4.00638E+12,1,2026-03-01 10:00\nG,1,2026-03-01 10:00,surplus\n"
                             "H,1099511627776,2026-03-01 10:00\nI,2,2026-03-01 10:05\n");
  EXPECT_THAT(Rows(read), ElementsAre("A 1", "I 2"));
  EXPECT_THAT(read->rejected, SizeIs(9));
  EXPECT_EQ(read->rejected[0].where, "sales.csv:3");
  EXPECT_EQ(read->rejected[0].content, "B");
  EXPECT_EQ(read->known_through.at("S1"), Utc("2026-03-01T10:05:00Z"));
}

TEST(ExportTest, TrimAndZeroPaddingAreRules) {
  EXPECT_THAT(Rows(Read("stock.csv", "sku,qty\n 42 ,1\n", R"({"sku_zero_pad": 6})")),
              ElementsAre("000042 1"));
  EXPECT_THAT(Rows(Read("stock.csv", "sku,qty\n42 ,1\n", R"({"trim": false})")),
              ElementsAre("42  1"));
}

TEST(ExportTest, NegativeSalesFollowTheMapping) {
  const std::string csv = "sku,qty\nA,-2\n";
  EXPECT_EQ(Read("sales.csv", csv)->rows[0].movement.kind(), v1::MOVEMENT_KIND_SALE);
  const auto returned = Read("sales.csv", csv, R"({"negative_sale": "return"})");
  EXPECT_EQ(returned->rows[0].movement.kind(), v1::MOVEMENT_KIND_RETURN);
  EXPECT_EQ(returned->rows[0].movement.quantity(), 2);
  EXPECT_THAT(Read("sales.csv", csv, R"({"negative_sale": "error"})")->rejected, SizeIs(1));
}

TEST(ExportTest, NegativeLevelsAreKeptAndNegativeCountsAreNot) {
  EXPECT_THAT(Rows(Read("stock.csv", "sku,qty\nA,-3\n")), ElementsAre("A -3"));
  const auto counts = Read("x.csv", "sku,qty,kind\nA,-3,count\nB,4,count\n");
  EXPECT_THAT(Rows(counts), ElementsAre("B 4"));
}

TEST(ExportTest, ARepeatedSkuIsSummedOrNamedButNeverTheLastOne) {
  const std::string csv = "sku,stock\nA,1\nB,2\n A,5\n";
  EXPECT_THAT(ReasonOf(Read("x.csv", csv)), HasSubstr("REPEATED_SKU: sku \"A\" stands in line 2"));
  EXPECT_THAT(Rows(Read("x.csv", csv, R"({"repeated_sku": "sum"})")), ElementsAre("A 6", "B 2"));
}

TEST(ExportTest, CutAndEmptySnapshotsAreRejectedAsAWhole) {
  EXPECT_THAT(ReasonOf(Read("stock.csv", "sku,qty\nA,1\nB")), HasSubstr("SNAPSHOT_TRUNCATED"));
  EXPECT_THAT(ReasonOf(Read("stock.csv", "sku,qty\nA,1\nB,\"2")), HasSubstr("SNAPSHOT_TRUNCATED"));
  EXPECT_THAT(ReasonOf(Read("stock.csv", "sku,qty\n")), HasSubstr("SNAPSHOT_EMPTY"));
  EXPECT_THAT(ReasonOf(Read("stock.csv", "")), HasSubstr("FILE_EMPTY"));
  EXPECT_THAT(Rows(Read("stock.csv", "sku,qty\nA,1\nB,2")), ElementsAre("A 1", "B 2"));
}

TEST(ExportTest, ASnapshotWithRejectedRowsIsNotComplete) {
  EXPECT_TRUE(Read("stock.csv", "sku,qty\nA,1\n")->complete);
  EXPECT_FALSE(Read("stock.csv", "sku,qty\nA,1\nB,x\n")->complete);
  EXPECT_FALSE(Read("stock.csv", "sku,qty\nA,1\n", R"({"complete": false})")->complete);
}

TEST(ExportTest, AsOfComesFromTheFileItsNameOrAColumn) {
  EXPECT_EQ(Read("stock.csv", "sku,qty\nA,1\n")->as_of.at("S1"), kFileTime);
  EXPECT_EQ(Read("stock_20260301_0600.csv", "sku,qty\nA,1\n",
                 R"({"as_of": "file_name", "file_name_time": "stock_%Y%m%d_%H%M.csv"})")
                ->as_of.at("S1"),
            Utc("2026-03-01T06:00:00Z"));
  EXPECT_EQ(Read("stock.csv", "sku,qty,asof\nA,1,2026-03-01 07:00\nB,1,2026-03-01 06:59\n",
                 R"({"as_of": "column"})")
                ->as_of.at("S1"),
            Utc("2026-03-01T06:59:00Z"));
  EXPECT_THAT(ReasonOf(Read("stock.csv", "sku,qty\nA,1\n",
                            R"({"as_of": "file_name", "file_name_time": "s_%Y.csv"})")),
              HasSubstr("BAD_FILE_NAME"));
}

TEST(ExportTest, ReceiptsSayNothingAboutKnownThrough) {
  EXPECT_THAT(Read("receipts.csv", "sku,qty\nA,1\n")->known_through, IsEmpty());
  EXPECT_EQ(Read("receipts.csv", "sku,qty\nA,1\n", R"({"known_through": "file_time"})")
                ->known_through.at("S1"),
            kFileTime);
}

TEST(ExportTest, LocationsThatAreNotTheAgentsAreRejectedRows) {
  const auto read = Read("sales.csv", "sku,qty,store\nA,1,S1\nB,1,S2\n");
  EXPECT_THAT(Rows(read), ElementsAre("A 1"));
  EXPECT_THAT(read->rejected[0].reason, HasSubstr("location \"S2\""));
}

TEST(CheckTest, ShowsTheMappingTheRowsAndWhatIsRejected) {
  std::ostringstream out;
  EXPECT_TRUE(CheckExport({"ventas.csv",
                           "Art\xED"
                           "culo;Cantidad\nA;1\nB;x\n",
                           kFileTime},
                          Mapping(), {"", {}}, out));
  EXPECT_THAT(out.str(), HasSubstr("kind:       SALE"));
  EXPECT_THAT(out.str(), HasSubstr("encoding:   windows-1252"));
  EXPECT_THAT(out.str(), HasSubstr("sku = \"Artículo\""));
  EXPECT_THAT(out.str(), HasSubstr("1 rows understood"));
  EXPECT_THAT(out.str(), HasSubstr("ventas.csv:3  quantity \"x\""));
  EXPECT_FALSE(CheckExport({"x.csv", "sku,qty\nA,1\n", kFileTime}, Mapping(), {"", {}}, out));
  EXPECT_THAT(out.str(), HasSubstr("UNKNOWN_KIND"));
}

}  // namespace
}  // namespace onhand::files
