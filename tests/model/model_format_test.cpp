#include "stagemark/model/model_format.hpp"

#include <gtest/gtest.h>

#include <string>

#include "fakes/stored_zip.hpp"
#include "fakes/temporary_directory.hpp"
#include "stagemark/core/error.hpp"

namespace stagemark {
namespace {

ModelFormat format_of(const std::string& bytes) {
  const TemporaryDirectory directory;
  return model_format(directory.write("model", bytes));
}

// IR version 7, producer "a", a graph of three bytes, operator set 13: keys are field << 3 | wire type.
const std::string onnx(
    "\x08\x07\x12\x01"
    "a\x3a\x03\x0a\x01g\x42\x02\x10\x0d",
    13);

TEST(ModelFormat, KnowsOnnxByItsFields) {
  EXPECT_EQ(format_of(onnx), ModelFormat::onnx);
  // A cut one is one too: its reader says that it is damaged.
  EXPECT_EQ(format_of(onnx.substr(0, 7)), ModelFormat::onnx);
  // Operator sets may stand before the graph.
  EXPECT_EQ(format_of(std::string("\x08\x07\x42\x02\x10\x0d\x3a\x00", 8)), ModelFormat::onnx);
}

TEST(ModelFormat, TakesNothingElseForOnnx) {
  for (const std::string& bytes : {
           std::string(),
           std::string("not a model\n"),
           std::string("\x08\x07"),
           onnx.substr(0, 5),
           onnx.substr(2),                 // no IR version
           std::string("\x08\x07\x4a\x01"  // field 9 is none of a model's
                       "a\x3a\x00",
                       7),
           std::string("\x08\x07\x12\x7f\x3a", 5),  // a name longer than the file
           std::string(40, '\x08'),
       }) {
    EXPECT_EQ(format_of(bytes), ModelFormat::tensors) << testing::PrintToString(bytes);
  }
}

TEST(ModelFormat, KnowsPackagesOfAotInductorByTheirFolder) {
  const std::string package =
      StoredZip().add("m/data/aotinductor/model/a.so", "x").add("m/data/weights/constants.pkl", "").bytes();
  EXPECT_EQ(format_of(package), ModelFormat::aoti);
  EXPECT_EQ(format_of(StoredZip().add("m/data.pkl", "x").add("m/constants.pkl", "").bytes()), ModelFormat::torchscript);
  EXPECT_EQ(format_of(StoredZip().add("m/data.pkl", "x").bytes()), ModelFormat::tensors);
}

TEST(ModelFormat, ThrowsOnWhatIsNotThere) {
  const TemporaryDirectory directory;
  EXPECT_THROW((void)model_format(directory / "missing"), ModelError);
  EXPECT_THROW((void)model_format(directory.path()), ModelError);
}

}  // namespace
}  // namespace stagemark
