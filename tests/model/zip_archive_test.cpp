// The reader of zip files on bytes made by hand: what torch.save writes is read, anything else is refused in a sentence.
#include "model/zip_archive.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "fakes/stored_zip.hpp"
#include "model/text_bytes.hpp"
#include "stagemark/core/error.hpp"

namespace stagemark {
namespace {

/// Contents by name, copied.
std::map<std::string, std::string> contents(std::string_view file) {
  std::map<std::string, std::string> result;
  for (const auto& [name, content] : read_zip_directory(bytes_of(file)).stored) {
    for (const std::byte b : content) result[name] += static_cast<char>(b);
    if (content.empty()) result[name] = "";
  }
  return result;
}

std::string zip_refusal(std::string_view file) {
  try {
    (void)read_zip_directory(bytes_of(file));
  } catch (const ModelError& error) {
    return error.what();
  }
  return "not refused";
}

std::string number(std::uint64_t value, std::size_t size) { return StoredZip::number(value, size); }

/// A zip file of one record "a" whose directory may lie. Fields as in APPNOTE.TXT 4.3.7 to 4.3.16.
struct OneRecord {
  std::string content = "abc";
  std::uint64_t size = 3, stored_size = 3, offset = 0;  // in the directory
  std::uint16_t method = 0, flags = 0;
  std::string extra = {};        // of the directory's entry
  std::string local_extra = {};  // of the local header
  std::uint64_t entries = 1;
  std::string between = {};  // between directory and end: zip64 records
  std::string comment = {};
  std::uint64_t directory_offset = 0;  // 0: where it is
  std::uint64_t directory_size = 0;    // 0: what it has

  [[nodiscard]] std::string local() const {
    return "PK\x03\x04" + number(20, 2) + number(flags, 2) + number(method, 2) + number(0, 8) + number(3, 4) +
           number(3, 4) + number(1, 2) + number(local_extra.size(), 2) + "a" + local_extra + content;
  }
  [[nodiscard]] std::string directory() const {
    return "PK\x01\x02" + number(20, 2) + number(20, 2) + number(flags, 2) + number(method, 2) + number(0, 8) +
           number(stored_size, 4) + number(size, 4) + number(1, 2) + number(extra.size(), 2) + std::string(10, '\0') +
           number(offset, 4) + "a" + extra;
  }
  [[nodiscard]] std::string bytes() const {
    const std::uint64_t at = directory_offset != 0 ? directory_offset : local().size();
    const std::uint64_t length = directory_size != 0 ? directory_size : directory().size();
    return local() + directory() + between + "PK\x05\x06" + number(0, 4) + number(entries, 2) + number(entries, 2) +
           number(length, 4) + number(at, 4) + number(comment.size(), 2) + comment;
  }
};

/// Both zip64 records that end a directory (4.3.14, 4.3.15).
std::string zip64_end(std::uint64_t entries, std::uint64_t size, std::uint64_t offset, std::uint64_t at) {
  return "PK\x06\x06" + number(44, 8) + number(45, 4) + number(0, 8) + number(entries, 8) + number(entries, 8) +
         number(size, 8) + number(offset, 8) + "PK\x06\x07" + number(0, 4) + number(at, 8) + number(1, 4);
}

TEST(ZipArchive, ReadsRecordsInPlace) {
  const std::string file = StoredZip().add("x/b", "two").add("x/a", "").add("x/c", std::string(1'000, 'c')).bytes();
  EXPECT_EQ(contents(file),
            (std::map<std::string, std::string>{{"x/a", ""}, {"x/b", "two"}, {"x/c", std::string(1'000, 'c')}}));
  const std::byte* begin = bytes_of(file).data();
  EXPECT_EQ(read_zip_directory(bytes_of(file)).stored.at("x/b").data(), begin + file.find("two"));
  EXPECT_TRUE(contents(StoredZip().bytes()).empty());
}

TEST(ZipArchive, SkipsTheLocalHeadersOwnExtraField) {
  // torch.save aligns data with an extra field that only the local header has.
  EXPECT_EQ(contents(OneRecord{.local_extra = "FB" + number(7, 2) + "ZZZZZZZ"}.bytes()).at("a"), "abc");
}

TEST(ZipArchive, FindsTheEndBeforeAComment) {
  EXPECT_EQ(contents(OneRecord{.comment = "hello"}.bytes()).at("a"), "abc");
  EXPECT_EQ(contents(OneRecord{.comment = std::string(65'535, 'x')}.bytes()).at("a"), "abc");
  EXPECT_TRUE(says(zip_refusal(OneRecord{.comment = std::string(65'536, 'x')}.bytes()), "its directory is missing"));
}

TEST(ZipArchive, ReadsZip64) {
  // Sizes and offset in an extra field, behind one that means nothing here.
  const std::uint64_t full = 0xffffffff;
  const std::string extra =
      "??" + number(2, 2) + "??" + number(1, 2) + number(24, 2) + number(3, 8) + number(3, 8) + number(0, 8);
  EXPECT_EQ(contents(OneRecord{.size = full, .stored_size = full, .offset = full, .extra = extra}.bytes()).at("a"),
            "abc");
  // Only the fields that are full are in the extra field.
  const std::string offset_only = number(1, 2) + number(8, 2) + number(0, 8);
  EXPECT_EQ(contents(OneRecord{.offset = full, .extra = offset_only}.bytes()).at("a"), "abc");
  // The directory itself placed by a zip64 end.
  OneRecord record{.entries = 0xffff, .directory_offset = full, .directory_size = full};
  const std::uint64_t at = record.local().size() + record.directory().size();
  record.between = zip64_end(1, record.directory().size(), record.local().size(), at);
  EXPECT_EQ(contents(record.bytes()).at("a"), "abc");
}

TEST(ZipArchive, RefusesAZip64RecordThatLies) {
  const std::uint64_t full = 0xffffffff;
  const std::uint64_t most = ~std::uint64_t{0};
  for (const std::uint64_t lie : {std::uint64_t{4}, std::uint64_t{100'000'000'000}, most, most - 30, most / 2}) {
    const std::string sizes = number(1, 2) + number(16, 2) + number(lie, 8) + number(lie, 8);
    EXPECT_TRUE(
        says(zip_refusal(OneRecord{.size = full, .stored_size = full, .extra = sizes}.bytes()), "ends too early") ||
        lie == 4)
        << lie;
    const std::string offset = number(1, 2) + number(8, 2) + number(lie, 8);
    EXPECT_TRUE(
        says(zip_refusal(OneRecord{.offset = full, .extra = offset}.bytes()), "is not where its directory says"))
        << lie;
    OneRecord record{.entries = 0xffff, .directory_offset = full, .directory_size = full};
    const std::uint64_t at = record.local().size() + record.directory().size();
    const std::uint64_t size = record.directory().size();
    record.between = zip64_end(1, size, record.local().size(), lie);
    EXPECT_TRUE(says(zip_refusal(record.bytes()), "its zip64 record is not there")) << lie;
    record.between = zip64_end(1, size, lie, at);
    EXPECT_NE(zip_refusal(record.bytes()), "not refused") << lie;
    record.between = zip64_end(1, lie, record.local().size(), at);
    EXPECT_TRUE(says(zip_refusal(record.bytes()), "ends too early") || lie == 4) << lie;
    record.between = zip64_end(lie, size, record.local().size(), at);
    EXPECT_TRUE(says(zip_refusal(record.bytes()), "ends too early")) << lie;
  }
  // An extra field shorter than what it should hold.
  EXPECT_TRUE(says(zip_refusal(OneRecord{.offset = full, .extra = number(1, 2) + number(8, 2) + "1234"}.bytes()),
                   "ends too early"));
  EXPECT_TRUE(says(zip_refusal(OneRecord{.size = full, .stored_size = full}.bytes()), "ends too early"));
}

TEST(ZipArchive, NamesCompressedRecordsAndRefusesEncryptedOnes) {
  for (const std::string& file : {OneRecord{.method = 8}.bytes(), OneRecord{.stored_size = 2}.bytes()}) {
    const ZipDirectory directory = read_zip_directory(bytes_of(file));
    EXPECT_TRUE(directory.stored.empty());
    EXPECT_EQ(directory.compressed, std::vector<std::string>{"a"});
  }
  EXPECT_TRUE(says(zip_refusal(OneRecord{.flags = 1}.bytes()), "encrypted"));
}

TEST(ZipArchive, RefusesRecordsThatOverlap) {
  // The second record's header lies within the content of the first, as a bomb of nested files has it.
  const std::string inner = OneRecord{}.local();
  const std::string outer = "PK\x03\x04" + number(20, 2) + number(0, 4) + number(0, 8) + number(inner.size(), 4) +
                            number(inner.size(), 4) + number(1, 2) + number(0, 2) + "b";
  const auto entry = [](char name, std::uint64_t size, std::uint64_t offset) {
    return "PK\x01\x02" + number(20, 2) + number(20, 2) + number(0, 4) + number(0, 8) + number(size, 4) +
           number(size, 4) + number(1, 2) + std::string(12, '\0') + number(offset, 4) + name;
  };
  const auto file = [&](const std::string& directory, std::uint64_t entries) {
    return outer + inner + directory + "PK\x05\x06" + number(0, 4) + number(entries, 2) + number(entries, 2) +
           number(directory.size(), 4) + number(outer.size() + inner.size(), 4) + number(0, 2);
  };
  EXPECT_EQ(contents(file(entry('b', inner.size(), 0), 1)).at("b"), inner);
  EXPECT_EQ(contents(file(entry('a', 3, outer.size()), 1)).at("a"), "abc");
  EXPECT_TRUE(says(zip_refusal(file(entry('b', inner.size(), 0) + entry('a', 3, outer.size()), 2)), "overlap"));
  EXPECT_TRUE(says(zip_refusal(file(entry('a', 3, outer.size()) + entry('b', inner.size(), 0), 2)), "overlap"));
  // The same bytes under two names.
  EXPECT_TRUE(says(zip_refusal(file(entry('c', 3, outer.size()) + entry('d', 3, outer.size()), 2)), "overlap"));
}

TEST(ZipArchive, RefusesANumberOfEntriesThatIsNotThere) {
  EXPECT_TRUE(says(zip_refusal(OneRecord{.entries = 2}.bytes()), "ends too early"));
  EXPECT_TRUE(says(zip_refusal(OneRecord{.entries = 0xffff}.bytes()), "ends too early"));
  EXPECT_TRUE(contents(OneRecord{.entries = 0}.bytes()).empty());
}

TEST(ZipArchive, RefusesADirectoryOutsideTheFile) {
  EXPECT_TRUE(says(zip_refusal(OneRecord{.directory_offset = 0xfffffff0}.bytes()), "ends too early"));
  EXPECT_TRUE(says(zip_refusal(OneRecord{.directory_size = 0xfffffff0}.bytes()), "ends too early"));
  EXPECT_TRUE(says(zip_refusal(OneRecord{.directory_size = 20}.bytes()), "ends too early"));
  EXPECT_TRUE(says(zip_refusal(OneRecord{.directory_offset = 1}.bytes()), "no entry where one should be"));
  EXPECT_TRUE(says(zip_refusal(OneRecord{.offset = 0xfffffff0}.bytes()), "is not where its directory says"));
  EXPECT_TRUE(says(zip_refusal(""), "too short"));
  EXPECT_TRUE(says(zip_refusal(std::string(21, 'P')), "too short"));
  EXPECT_TRUE(says(zip_refusal(std::string(1'000, 'P')), "its directory is missing"));
}

TEST(ZipArchive, RefusesEveryTruncation) {
  const std::string good = OneRecord{.comment = "1234567"}.bytes();
  // A shorter comment leaves all records in place.
  for (std::size_t size = 0; size < good.size() - 7; ++size) {
    EXPECT_NE(zip_refusal(std::string_view(good).substr(0, size)), "not refused") << size;
  }
}

}  // namespace
}  // namespace stagemark
