#include "suite/manifest.hpp"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "stagemark/core/error.hpp"

namespace stagemark {
namespace {

using Rows = std::vector<std::pair<std::string, std::string>>;

Rows rows(const std::string& text) {
  Rows result;
  for (const ManifestRow& row : parse_manifest(text, "set.csv")) {
    result.emplace_back(row.path, row.label.value_or("(none)"));
  }
  return result;
}

std::string refusal(const std::string& text) {
  try {
    (void)parse_manifest(text, "set.csv");
  } catch (const InputError& error) {
    return error.what();
  }
  return "not refused";
}

TEST(Manifest, ReadsPathsAndLabels) {
  const Rows expected = {{"a.png", "NORMAL"}, {"b/c.png", "PNEUMONIA"}};
  EXPECT_EQ(rows("path,label\na.png,NORMAL\nb/c.png,PNEUMONIA\n"), expected);
  EXPECT_EQ(rows("path,label\r\na.png,NORMAL\r\nb/c.png,PNEUMONIA\r\n"), expected);
  EXPECT_EQ(rows("path,label\na.png,NORMAL\nb/c.png,PNEUMONIA"), expected);
  EXPECT_EQ(rows("path,label\r\na.png,NORMAL\r\nb/c.png,PNEUMONIA\r"), expected);
  EXPECT_EQ(rows("\xEF\xBB\xBFpath,label\na.png,NORMAL\n\n\r\nb/c.png,PNEUMONIA\n\n"), expected);
  EXPECT_EQ(rows("label,age,path\nNORMAL,7,a.png\nPNEUMONIA,,b/c.png\n"), expected);
}

TEST(Manifest, ReadsPathsAlone) {
  EXPECT_EQ(rows("path\na.png\n b .png\n"), (Rows{{"a.png", "(none)"}, {" b .png", "(none)"}}));
  EXPECT_TRUE(rows("path,label\n").empty());
}

TEST(Manifest, KnowsTheQuotingOfRfc4180) {
  EXPECT_EQ(rows("\"path\",\"label\"\n\"a, b.png\",\"the \"\"first\"\"\"\n\"two\r\nlines.png\",\"\"\"\"\n"),
            (Rows{{"a, b.png", "the \"first\""}, {"two\r\nlines.png", "\""}}));
}

TEST(Manifest, KnowsWhereEachRowBegins) {
  const auto parsed = parse_manifest("path\n\"a\n\n.png\"\n\nb.png\n", "set.csv");
  ASSERT_EQ(parsed.size(), 2U);
  EXPECT_EQ(parsed[0].line, 2U);
  EXPECT_EQ(parsed[1].line, 6U);
}

TEST(Manifest, RefusesWhatItDoesNotUnderstandAndNamesTheLine) {
  EXPECT_NE(refusal("").find("'path'"), std::string::npos);
  EXPECT_NE(refusal("file,label\na.png,x\n").find("begin it with: path,label"), std::string::npos);
  EXPECT_NE(refusal("path,class\na.png,x\n").find("'label'"), std::string::npos);
  EXPECT_NE(refusal("path,label\na.png,x\nb.png\n").find("set.csv line 3"), std::string::npos);
  EXPECT_NE(refusal("path,label\na,b.png,x\n").find("3 fields"), std::string::npos);
  EXPECT_NE(refusal("path,label\n,x\n").find("no path"), std::string::npos);
  EXPECT_NE(refusal("path,label\na.png,\n").find("no label"), std::string::npos);
  EXPECT_NE(refusal("path,label\n\"a.png,x\n").find("not closed"), std::string::npos);
  EXPECT_NE(refusal("path,label\na\"b.png,x\n").find("a quote within"), std::string::npos);
  EXPECT_NE(refusal("path,label\n\"a\"b.png,x\n").find("behind the end"), std::string::npos);
  EXPECT_NE(refusal(std::string("p\0a\0t\0h\0", 8)).find("NUL"), std::string::npos);
}

}  // namespace
}  // namespace stagemark
