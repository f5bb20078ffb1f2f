#include "stagemark/suite/dataset.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "fakes/temporary_directory.hpp"
#include "stagemark/core/error.hpp"

namespace stagemark {
namespace {

namespace fs = std::filesystem;

using Paths = std::vector<std::string>;
using std::string_literals::operator""s;

DatasetOptions with_positive(const std::string& name) {
  DatasetOptions options;
  options.positive = name;
  return options;
}

DatasetOptions drawing(std::size_t samples, std::uint64_t seed) {
  DatasetOptions options;
  options.samples = samples;
  options.seed = seed;
  return options;
}

class DatasetTest : public ::testing::Test {
 protected:
  /// Files of that name whose content is their name: read_dataset decodes nothing.
  void make(const Paths& names) const {
    for (const std::string& name : names) directory_.write(name, name);
  }

  Dataset read(const DatasetOptions& options = {}) const { return read_dataset(root(), options); }
  const fs::path& root() const { return directory_.path(); }

  static Paths paths(const Dataset& dataset) {
    Paths paths;
    for (const DatasetEntry& entry : dataset.entries) paths.push_back(entry.path);
    return paths;
  }

  /// Why a file was left out; empty if it was not.
  static std::string skipped(const Dataset& dataset, const std::string& path) {
    const auto found = std::find_if(dataset.skipped.begin(), dataset.skipped.end(),
                                    [&path](const SkippedFile& file) { return file.path == path; });
    return found == dataset.skipped.end() ? "" : found->reason;
  }

  template <class Error>
  std::string error(const fs::path& path, const DatasetOptions& options = {}) const {
    try {
      (void)read_dataset(path, options);
    } catch (const Error& problem) {
      return problem.what();
    }
    return {};
  }

  TemporaryDirectory directory_;
};

TEST_F(DatasetTest, TakesTheFirstDirectoryBelowTheRootAsTheClass) {
  make({"PNEUMONIA/b.png", "NORMAL/a.png", "NORMAL/2020/may/c.png"});
  const Dataset dataset = read();
  EXPECT_EQ(dataset.root, root());
  EXPECT_EQ(dataset.classes, (Paths{"NORMAL", "PNEUMONIA"}));
  EXPECT_EQ(paths(dataset), (Paths{"NORMAL/2020/may/c.png", "NORMAL/a.png", "PNEUMONIA/b.png"}));
  EXPECT_EQ(dataset.entries[0].label, 0U);
  EXPECT_EQ(dataset.entries[2].label, 1U);
  EXPECT_EQ(dataset.file(dataset.entries[1]), root() / "NORMAL" / "a.png");
  EXPECT_TRUE(dataset.skipped.empty());
}

TEST_F(DatasetTest, SortsByTheBytesOfTheWholePath) {
  make({"a/1.png", "a-b/1.png", "a/10.png", "a/2.png", "B/1.png", "\xC3\xA4/1.png"});
  EXPECT_EQ(paths(read()), (Paths{"B/1.png", "a-b/1.png", "a/1.png", "a/10.png", "a/2.png", "\xC3\xA4/1.png"}));
}

TEST_F(DatasetTest, TakesImageFilesByExtensionInAnyCase) {
  const Paths images = {"c/1.png", "c/2.JPG", "c/3.Jpeg", "c/4.BMP", "c/5.tif", "c/6.TIFF", "c/7.pgm"};
  make(images);
  make({"c/8.txt", "c/9.dcm", "c/png", "c/10.png.part"});
  EXPECT_EQ(paths(read()), images);
  EXPECT_TRUE(read().skipped.empty());
}

TEST_F(DatasetTest, PassesHiddenFilesAndDirectoriesOver) {
  make({"c/1.png", "c/._1.png", ".thumbnails/2.png", "c/.cache/3.png"});
  EXPECT_EQ(paths(read()), (Paths{"c/1.png"}));
  EXPECT_EQ(read().classes, (Paths{"c"}));
}

TEST_F(DatasetTest, ReadsAFlatDirectoryAsUnlabelled) {
  make({"b.png", "a.png"});
  const Dataset dataset = read();
  EXPECT_EQ(paths(dataset), (Paths{"a.png", "b.png"}));
  EXPECT_TRUE(dataset.classes.empty());
  EXPECT_EQ(dataset.entries[0].label, std::nullopt);
  EXPECT_EQ(dataset.positive, std::nullopt);
}

TEST_F(DatasetTest, SkipsImagesBesideTheClassDirectories) {
  make({"NORMAL/a.png", "cover.png"});
  EXPECT_EQ(paths(read()), (Paths{"NORMAL/a.png"}));
  EXPECT_NE(skipped(read(), "cover.png"), "");
}

TEST_F(DatasetTest, CountsADirectoryOfDocumentsAsNoClassButSaysSo) {
  make({"NORMAL/a.png", "PNEUMONIA/b.png", "notes/readme.txt", "notes/2020/table.CSV"});
  EXPECT_EQ(read().classes, (Paths{"NORMAL", "PNEUMONIA"}));
  EXPECT_NE(skipped(read(), "notes"), "");
}

TEST_F(DatasetTest, KeepsTheIndexOfAClassOfWhichNothingCanBeRead) {
  make({"a/1.png", "c/1.png"});
  const auto expect_three_classes = [&](const char* how) {
    const Dataset dataset = read();
    EXPECT_EQ(dataset.classes, (Paths{"a", "b", "c"})) << how;
    EXPECT_EQ(dataset.entries.back().label, 2U) << how;
    EXPECT_TRUE(dataset.undrawn.empty()) << how;
    EXPECT_EQ(skipped(dataset, "b"), "") << how;
    fs::remove_all(root() / "b");
  };
  for (const std::string file : {"b/1.webp", "b/deeper/1.dcm", "b/IM0001", "b/Thumbs.db", "b/1.npy"}) {
    make({file});
    expect_three_classes(file.c_str());
  }
  directory_.write("b/1.png", "");
  expect_three_classes("an empty file");
  make({"b/1.webp", "b/readme.txt"});
  expect_three_classes("a document beside it");
  fs::create_directory(root() / "b");
  expect_three_classes("nothing at all");
  fs::create_directory(root() / "b");
  fs::create_symlink("nowhere", root() / "b/1.png");
  expect_three_classes("a broken link");
  EXPECT_EQ(read().classes, (Paths{"a", "c"}));
}

TEST_F(DatasetTest, CallsALinkBackToTheRootNoClass) {
  make({"a/1.png", "c/1.png"});
  fs::create_directory_symlink(root(), root() / "b");
  EXPECT_EQ(read().classes, (Paths{"a", "c"}));
  EXPECT_EQ(skipped(read(), "b"), "is a link to a directory above it");
}

TEST_F(DatasetTest, PassesOverWhatSystemsLeaveBehindWithoutCountingIt) {
  const Paths images = {"a/1.png", "b/1.png"};
  make(images);
  make({"__MACOSX/a/._1.png", "__MACOSX/a/2.png", "a/@eaDir/1.png/THUMB_S.jpg", "a/.ipynb_checkpoints/1-checkpoint.png",
        ".DS_Store", "a/.DS_Store", "a/._1.png", "a/Thumbs.db", "thumbs.db", "desktop.ini", "a/desktop.ini",
        ".Trash-1000/files/3.png", "$RECYCLE.BIN/4.png", "System Volume Information/5.png", "lost+found/6.png",
        "#recycle/7.png", "@eaDir/8.jpg", "b/__pycache__/9.png"});
  const Dataset dataset = read();
  EXPECT_EQ(paths(dataset), images);
  EXPECT_EQ(dataset.classes, (Paths{"a", "b"}));
  EXPECT_TRUE(dataset.skipped.empty()) << dataset.skipped.front().path;
  EXPECT_EQ(dataset.found, 2U);
}

TEST_F(DatasetTest, LabelsASingleClass) {
  make({"NORMAL/a.png", "NORMAL/b.png"});
  const Dataset dataset = read();
  EXPECT_EQ(dataset.classes, (Paths{"NORMAL"}));
  EXPECT_EQ(dataset.entries[1].label, 0U);
  EXPECT_EQ(dataset.positive, std::nullopt);
}

TEST_F(DatasetTest, SkipsEmptyFilesWithTheReason) {
  make({"c/1.png"});
  directory_.write("c/2.png", "");
  EXPECT_EQ(paths(read()), (Paths{"c/1.png"}));
  EXPECT_EQ(skipped(read(), "c/2.png"), "is empty");
}

TEST_F(DatasetTest, SkipsFilesThatCannotBeRead) {
  make({"c/1.png", "c/2.png"});
  fs::permissions(root(), fs::perms::all);
  fs::permissions(root() / "c/2.png", fs::perms::none);
  // Root can read everything: be somebody else meanwhile.
  const uid_t user = geteuid();
  ASSERT_TRUE(user != 0 || seteuid(65534) == 0);
  const Dataset dataset = read();
  ASSERT_EQ(seteuid(user), 0);
  EXPECT_EQ(paths(dataset), (Paths{"c/1.png"}));
  EXPECT_NE(skipped(dataset, "c/2.png"), "");
}

TEST_F(DatasetTest, SkipsWhatIsNoFileThoughNamedLikeOne) {
  make({"c/1.png"});
  ASSERT_EQ(mkfifo((root() / "c/pipe.png").c_str(), 0600), 0);
  fs::create_symlink("nowhere", root() / "c/broken.png");
  EXPECT_EQ(paths(read()), (Paths{"c/1.png"}));
  EXPECT_NE(skipped(read(), "c/pipe.png"), "");
  EXPECT_NE(skipped(read(), "c/broken.png"), "");
}

TEST_F(DatasetTest, FollowsLinksButNotInCircles) {
  make({"c/1.png", "d/2.png"});
  fs::create_directory_symlink(root(), root() / "c/up");
  fs::create_directory_symlink(root() / "c", root() / "c/self");
  fs::create_directory_symlink(root() / "d", root() / "c/other");
  EXPECT_EQ(paths(read()), (Paths{"c/1.png", "c/other/2.png", "d/2.png"}));
  EXPECT_EQ(skipped(read(), "c/up"), "is a link to a directory above it");
  EXPECT_EQ(read().found, 5U) << "the two links count as found";
}

TEST_F(DatasetTest, CallsClassOneOfTwoPositive) {
  make({"NORMAL/a.png", "PNEUMONIA/b.png"});
  EXPECT_EQ(read().positive, 1U);
}

TEST_F(DatasetTest, NamesNoPositiveAmongMoreThanTwo) {
  make({"a/1.png", "b/1.png", "c/1.png"});
  EXPECT_EQ(read().positive, std::nullopt);
  EXPECT_EQ(read(with_positive("b")).positive, 1U);
}

TEST_F(DatasetTest, FindsThePositiveClassInAnyCase) {
  make({"NORMAL/a.png", "PNEUMONIA/b.png"});
  EXPECT_EQ(read(with_positive("Normal")).positive, 0U);
}

TEST_F(DatasetTest, RefusesAnUnknownPositiveClassAndListsTheKnown) {
  make({"NORMAL/a.png", "PNEUMONIA/b.png"});
  const std::string message = error<UsageError>(root(), with_positive("covid"));
  EXPECT_NE(message.find("'covid'"), std::string::npos) << message;
  EXPECT_NE(message.find("NORMAL, PNEUMONIA"), std::string::npos) << message;
}

TEST_F(DatasetTest, RefusesAPositiveClassWhereThereAreNoLabels) {
  make({"a.png"});
  EXPECT_NE(error<UsageError>(root(), with_positive("NORMAL")).find("no labels"), std::string::npos);
}

TEST_F(DatasetTest, NumbersTheClassesInTheOrderAskedForWhateverTheirCase) {
  make({"PNEUMONIA/b.png", "normal/a.png"});
  EXPECT_EQ(read().classes, (Paths{"PNEUMONIA", "normal"})) << "capitals sort first";
  DatasetOptions options;
  options.classes = {"NORMAL", "PNEUMONIA"};
  const Dataset dataset = read(options);
  EXPECT_EQ(dataset.classes, (Paths{"normal", "PNEUMONIA"}));
  EXPECT_EQ(paths(dataset), (Paths{"PNEUMONIA/b.png", "normal/a.png"}));
  EXPECT_EQ(dataset.entries[0].label, 1U);
  EXPECT_EQ(dataset.entries[1].label, 0U);
  EXPECT_EQ(dataset.positive, 1U);
  options.positive = "Normal";
  EXPECT_EQ(read(options).positive, 0U);
}

TEST_F(DatasetTest, NumbersTheClassesOfAManifestInTheOrderAskedFor) {
  make({"1.png", "2.png"});
  DatasetOptions options;
  options.classes = {"well", "ill"};
  const Dataset dataset = read_dataset(directory_.write("set.csv", "path,label\n1.png,ill\n2.png,well\n"), options);
  EXPECT_EQ(dataset.classes, (Paths{"well", "ill"}));
  EXPECT_EQ(dataset.entries[0].label, 1U);
}

TEST_F(DatasetTest, PrefersTheClassThatIsSpeltAsAskedFor) {
  make({"b/1.png", "B/1.png"});
  DatasetOptions options;
  options.classes = {"b", "B"};
  EXPECT_EQ(read(options).classes, (Paths{"b", "B"}));
  make({"Aa/1.png", "aA/1.png"});
  options.classes = {"b", "B", "aa", "aA"};
  EXPECT_NE(error<UsageError>(root(), options).find("there is no class 'aa'"), std::string::npos) << "it could be both";
}

TEST_F(DatasetTest, RefusesNamesThatAreNotExactlyTheClasses) {
  make({"NORMAL/a.png", "PNEUMONIA/b.png"});
  const auto refusal = [&](const Paths& names) {
    DatasetOptions options;
    options.classes = names;
    return error<UsageError>(root(), options);
  };
  EXPECT_EQ(refusal({"NORMAL", "COVID"}), "`classes`: there is no class 'COVID'; the classes are NORMAL, PNEUMONIA");
  EXPECT_NE(refusal({"PNEUMONIA"}).find("class 'NORMAL' is not named"), std::string::npos) << refusal({"PNEUMONIA"});
  EXPECT_NE(refusal({"NORMAL", "normal", "PNEUMONIA"}).find("'normal' is named twice"), std::string::npos);
  EXPECT_NE(refusal({"NORMAL", ""}).find("there is no class ''"), std::string::npos);
  fs::create_directory(root() / "flat");
  make({"flat/1.png"});
  DatasetOptions options;
  options.classes = {"flat"};
  EXPECT_NE(error<UsageError>(root() / "flat", options).find("the images have no labels"), std::string::npos);
}

TEST_F(DatasetTest, TellsAClassThatWasNotDrawnFromOneThatHasNoImage) {
  make({"a/1.png", "a/2.png", "b/1.png", "b/2.png"});
  fs::create_directory(root() / "c");
  const Dataset dataset = read(drawing(1, 0));
  EXPECT_EQ(dataset.undrawn, (std::vector<std::size_t>{dataset.entries[0].label == 0U ? 1U : 0U}));
}

TEST_F(DatasetTest, BalancesTheClassesThatHaveImages) {
  make({"a/1.png", "a/2.png", "a/3.png", "b/1.png", "b/2.png"});
  fs::create_directory(root() / "c");
  DatasetOptions options;
  options.balanced = true;
  EXPECT_EQ(read(options).entries.size(), 4U);
}

TEST_F(DatasetTest, DrawsTheSameSamplesFromTheSameSeedOnEveryMachine) {
  Paths all;
  for (int i = 10; i < 30; ++i) all.push_back("c/" + std::to_string(i) + ".png");
  make(all);
  // SplitMix64 from 7, a partial Fisher-Yates shuffle: another result is another data set for every user.
  EXPECT_EQ(paths(read(drawing(4, 7))), (Paths{"c/12.png", "c/17.png", "c/24.png", "c/25.png"}));
}

TEST_F(DatasetTest, DrawsWithoutReplacementInPathOrder) {
  Paths all;
  for (int i = 0; i < 40; ++i) all.push_back("c/" + std::to_string(i) + ".png");
  make(all);
  std::set<Paths> draws;
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    const Paths drawn = paths(read(drawing(15, seed)));
    EXPECT_EQ(drawn.size(), 15U);
    EXPECT_TRUE(std::is_sorted(drawn.begin(), drawn.end()));
    EXPECT_EQ(std::set<std::string>(drawn.begin(), drawn.end()).size(), 15U);
    draws.insert(drawn);
  }
  EXPECT_EQ(draws.size(), 10U);
}

TEST_F(DatasetTest, DrawsEveryImageAboutAsOften) {
  Paths all;
  for (int i = 0; i < 10; ++i) all.push_back("c/" + std::to_string(i) + ".png");
  make(all);
  std::vector<int> drawn(10);
  for (std::uint64_t seed = 0; seed < 400; ++seed) {
    for (const std::string& path : paths(read(drawing(3, seed)))) ++drawn[static_cast<std::size_t>(path[2] - '0')];
  }
  // 120 expected; 4 standard deviations of a binomial(400, 0.3) are 37. The seeds are fixed, so it cannot
  // flicker.
  for (const int count : drawn) EXPECT_NEAR(count, 120, 37);
}

TEST_F(DatasetTest, SetsCalibrationImagesAsideThatAreNotScored) {
  Paths all;
  for (int i = 0; i < 40; ++i) all.push_back("c/" + std::to_string(i) + ".png");
  make(all);
  DatasetOptions options = drawing(10, 3);
  options.calibration = 8;
  const Dataset dataset = read(options);
  EXPECT_EQ(dataset.entries.size(), 10U);
  EXPECT_EQ(dataset.calibration.size(), 8U);
  std::set<std::string> together;
  for (const DatasetEntry& entry : dataset.entries) together.insert(entry.path);
  for (const DatasetEntry& entry : dataset.calibration) together.insert(entry.path);
  EXPECT_EQ(together.size(), 18U);
  options.samples.reset();
  EXPECT_EQ(read(options).entries.size(), 32U);
  options.calibration = 40;
  EXPECT_THROW((void)read(options), UsageError);
}

TEST_F(DatasetTest, TakesAllWhereMoreSamplesAreAskedForThanThereAre) {
  make({"c/1.png", "c/2.png"});
  EXPECT_EQ(paths(read(drawing(2, 0))).size(), 2U);
  EXPECT_EQ(paths(read(drawing(1000, 0))).size(), 2U);
}

TEST_F(DatasetTest, HashesTheContentsAndNothingElse) {
  make({"c/1.png", "c/2.png"});
  const std::string original = read().sha256;
  EXPECT_EQ(original.size(), 64U);
  EXPECT_EQ(read().sha256, original);
  fs::rename(root() / "c", root() / "renamed");
  EXPECT_EQ(read().sha256, original);
  directory_.write("renamed/2.png", "changed");
  EXPECT_NE(read().sha256, original);
}

TEST_F(DatasetTest, HashesTheOrderAndTheBoundariesOfTheContents) {
  directory_.write("c/1.png", "ab");
  directory_.write("c/2.png", "c");
  const std::string original = read().sha256;
  directory_.write("c/1.png", "c");
  directory_.write("c/2.png", "ab");
  EXPECT_NE(read().sha256, original);
  directory_.write("c/1.png", "a");
  directory_.write("c/2.png", "bc");
  EXPECT_NE(read().sha256, original);
}

TEST_F(DatasetTest, HashesTheDrawnImagesOnly) {
  make({"c/1.png", "c/2.png", "c/3.png", "c/4.png"});
  const DatasetOptions two = drawing(2, 1);
  const std::string original = read(two).sha256;
  const Paths drawn = paths(read(two));
  for (const std::string name : {"c/1.png", "c/2.png", "c/3.png", "c/4.png"}) {
    if (std::find(drawn.begin(), drawn.end(), name) == drawn.end()) directory_.write(name, "changed");
  }
  EXPECT_EQ(read(two).sha256, original);
}

TEST_F(DatasetTest, KnowsASyntheticSetByItsMarker) {
  make({"c/1.png"});
  EXPECT_FALSE(read().synthetic);
  directory_.write(sample_marker, "seed 1");
  EXPECT_TRUE(read().synthetic);
}

TEST_F(DatasetTest, TellsAMissingDirectoryAFileAndAnEmptyDirectoryApart) {
  directory_.write("file.png", "x");
  fs::create_directory(root() / "empty");
  const std::string missing = error<InputError>(root() / "missing");
  const std::string file = error<InputError>(root() / "file.png");
  const std::string empty = error<InputError>(root() / "empty");
  EXPECT_NE(missing.find("missing: no such directory"), std::string::npos) << missing;
  EXPECT_NE(file.find("file.png: is neither a directory nor a CSV manifest"), std::string::npos) << file;
  EXPECT_NE(empty.find("empty: holds no image"), std::string::npos) << empty;
  for (const std::string& message : {missing, file, empty}) {
    EXPECT_NE(message.find("; give a directory of PNG, JPEG, BMP, TIFF or PGM images"), std::string::npos) << message;
  }
}

TEST_F(DatasetTest, SaysWhyNoneOfTheImagesCanBeRead) {
  directory_.write("c/1.png", "");
  const std::string message = error<InputError>(root());
  EXPECT_NE(message.find("c/1.png (is empty)"), std::string::npos) << message;
}

TEST_F(DatasetTest, ComplainsAboutAnEmptyDirectoryRatherThanThePositiveClass) {
  EXPECT_NE(error<InputError>(root(), with_positive("PNEUMONIA")).find("holds no image"), std::string::npos);
}

TEST_F(DatasetTest, KeepsNamesThatShellsAndJsonDislike) {
  const Paths names = {"A/new\nline.png", "A/quote\"s.png", "A/space and, comma.png", "B/L\xC3\xBCnge.png",
                       "B/not \xFF UTF-8.png"};
  make(names);
  EXPECT_EQ(paths(read()), names);
}

TEST_F(DatasetTest, ReadsAHundredThousandFiles) {
  for (const char* name : {"A", "B"}) {
    // Links: quicker to make than files, and a file may have 65,000.
    const fs::path original = directory_.write(fs::path(name) / "original.png", name);
    for (std::size_t i = 1; i < 50'000; ++i) {
      fs::create_hard_link(original, root() / name / (std::to_string(i) + ".png"));
    }
  }
  const Dataset dataset = read();
  EXPECT_EQ(dataset.entries.size(), 100'000U);
  EXPECT_TRUE(std::ranges::is_sorted(dataset.entries, {}, &DatasetEntry::path));
}

TEST_F(DatasetTest, DrawsAsManyOfEachClass) {
  make({"A/0.png", "A/1.png", "A/2.png", "A/3.png", "A/4.png", "A/5.png", "B/0.png", "B/1.png", "C/0.png", "C/1.png",
        "C/2.png", "C/3.png"});
  const auto counts = [&](std::optional<std::size_t> samples) {
    DatasetOptions options;
    options.samples = samples;
    options.balanced = true;
    options.seed = 3;
    std::vector<std::size_t> drawn(3);
    for (const DatasetEntry& entry : read(options).entries) ++drawn[*entry.label];
    return drawn;
  };
  EXPECT_EQ(counts(std::nullopt), (std::vector<std::size_t>{2, 2, 2}));  // the smallest has two
  EXPECT_EQ(counts(3), (std::vector<std::size_t>{1, 1, 1}));
  EXPECT_EQ(counts(5), (std::vector<std::size_t>{2, 2, 1}));  // the first ones get the rest
  EXPECT_EQ(counts(9), (std::vector<std::size_t>{4, 2, 3}));  // the others make up for the smallest
  EXPECT_EQ(counts(11), (std::vector<std::size_t>{5, 2, 4}));
  EXPECT_EQ(counts(100), (std::vector<std::size_t>{6, 2, 4}));
}

TEST_F(DatasetTest, CannotBalanceWithoutLabels) {
  make({"0.png", "1.png"});
  DatasetOptions options;
  options.balanced = true;
  EXPECT_NE(error<UsageError>(root(), options).find("`balanced`"), std::string::npos);
}

TEST_F(DatasetTest, ReadsAManifestAsTheSameSetAsTheDirectory) {
  make({"images/A/1.png", "images/A/2.png", "images/B/1.png"});
  const fs::path manifest = directory_.write("set.csv", "path,label\nimages/B/1.png,B\r\n\"images/A/2.png\",A\n" +
                                                            (root() / "images/A/1.png").string() + ",A\n");
  const Dataset dataset = read_dataset(manifest, {});
  EXPECT_EQ(dataset.classes, (Paths{"A", "B"}));
  EXPECT_EQ(dataset.positive, std::size_t{1});
  EXPECT_EQ(dataset.manifest, manifest);
  ASSERT_EQ(dataset.entries.size(), 3U);
  EXPECT_EQ(TemporaryDirectory::read(dataset.file(dataset.entries[0])), "images/A/1.png");  // '/' sorts first
  EXPECT_EQ(dataset.sha256, read_dataset(root() / "images", {}).sha256);
}

TEST_F(DatasetTest, ListsAFileOnceHoweverItsPathIsSpelled) {
  make({"sub/1.png", "2.png"});
  fs::create_directory_symlink(root() / "sub", root() / "link");
  const auto refusal = [&](const std::string& again) {
    return error<InputError>(directory_.write("set.csv", "path,label\nsub/1.png,A\n2.png,B\n" + again + ",A\n"));
  };
  const std::string manifest = (root() / "set.csv").string();
  EXPECT_EQ(refusal("sub/1.png"), manifest + " line 4: names 'sub/1.png' again, as line 2 did; list each image once");
  for (const std::string& again :
       {"./sub/1.png"s, "sub//1.png"s, "sub/../sub/1.png"s, "link/1.png"s, (root() / "sub/1.png").string()}) {
    EXPECT_EQ(refusal(again),
              manifest + " line 4: names '" + again + "' again, as line 2 did with 'sub/1.png'; list each image once");
  }
  // Where a link leads elsewhere, the names alone would tell wrongly.
  make({"sub/deep/2.png"});
  fs::create_directory_symlink(root() / "sub/deep", root() / "far");
  EXPECT_EQ(refusal("far/../../2.png"), manifest +
                                            " line 4: names 'far/../../2.png' again, as line 3 did with "
                                            "'2.png'; list each image once");
  make({"sub/2.png"});
  EXPECT_EQ(refusal("far/../2.png"), "");
}

TEST_F(DatasetTest, SkipsListedFilesThatAreNotThere) {
  make({"1.png", "2.png"});
  directory_.write("empty.png", "");
  fs::create_directories(root() / "directory.png");
  const fs::path manifest = directory_.write("SET.CSV", "path\n1.png\ngone.png\nempty.png\ndirectory.png\n2.png\n");
  const Dataset dataset = read_dataset(manifest, {});
  EXPECT_EQ(paths(dataset), (Paths{"1.png", "2.png"}));
  EXPECT_TRUE(dataset.classes.empty());
  EXPECT_EQ(skipped(dataset, "gone.png"), "is not there");
  EXPECT_EQ(skipped(dataset, "empty.png"), "is empty");
  EXPECT_EQ(skipped(dataset, "directory.png"), "is not a regular file");
  EXPECT_EQ(dataset.found, 5U);
  EXPECT_NE(error<InputError>(directory_.write("none.csv", "path,label\n")).find("holds no image"), std::string::npos);
  EXPECT_NE(error<InputError>(directory_.write("set.txt", "path\n1.png\n")).find("CSV manifest"), std::string::npos);
}

}  // namespace
}  // namespace stagemark
