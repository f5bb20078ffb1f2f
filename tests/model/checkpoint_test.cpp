// What the reader makes of files that PyTorch wrote (tests/model/golden/make_model_goldens.py).
#include "stagemark/model/checkpoint.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <limits>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "fakes/temporary_directory.hpp"
#include "stagemark/core/error.hpp"
#include "stagemark/model/network.hpp"

namespace stagemark {
namespace {

namespace fs = std::filesystem;
using std::string_literals::operator""s;
using Floats = std::vector<float>;
using Shape = std::vector<std::int64_t>;

const fs::path golden = fs::path(STAGEMARK_TESTS_DIR) / "model/golden";

/// Element i of a golden tensor is i / 4 - 1.
Floats ramp(std::size_t count) {
  Floats values(count);
  for (std::size_t i = 0; i < count; ++i) values[i] = static_cast<float>(i) / 4 - 1;
  return values;
}

std::string refusal(const std::string& name) {
  try {
    (void)Checkpoint::open(golden / name);
  } catch (const ModelError& error) {
    return error.what();
  }
  return "not refused";
}

std::string tensor_refusal(const std::string& file, const std::string& tensor) {
  try {
    (void)Checkpoint::open(golden / file).read_floats(tensor);
  } catch (const ModelError& error) {
    return error.what();
  }
  return "not refused";
}

TEST(Checkpoint, ReadsAPlainStateDict) {
  const Checkpoint file = Checkpoint::open(golden / "state_dict.pt");
  EXPECT_EQ(file.format(), "state-dict");
  ASSERT_EQ(file.tensors().size(), 2U);
  EXPECT_EQ(file.tensors().at("a").shape, (Shape{2, 3}));
  EXPECT_EQ(file.read_floats("a"), ramp(6));
  EXPECT_EQ(file.read_floats("b"), ramp(4));
  EXPECT_EQ(file.sha256().size(), 64U);
}

/// The same objects in the zip format and in the one from before PyTorch 1.6.
class CheckpointFormat : public testing::TestWithParam<const char*> {
 protected:
  static fs::path file(const char* name) { return golden / (std::string(GetParam()) + name); }
};
INSTANTIATE_TEST_SUITE_P(Formats, CheckpointFormat, testing::Values("", "legacy_"));

TEST_P(CheckpointFormat, TakesTheNetworkOutOfALightningCheckpointAndNothingElse) {
  const Checkpoint file = Checkpoint::open(this->file("lightning.ckpt"));
  EXPECT_EQ(file.format(), "lightning-checkpoint");
  ASSERT_EQ(file.tensors().size(), 3U);
  EXPECT_EQ(file.tensors().at("features.0.weight").shape, (Shape{2, 3, 1, 1}));
  EXPECT_EQ(file.read_floats("features.0.weight"), ramp(6));
  EXPECT_TRUE(file.tensors().contains("loss_fn.pos_weight"));
}

TEST_P(CheckpointFormat, ShowsPlainHyperParameters) {
  const auto parameters = Checkpoint::open(file("lightning.ckpt")).hyper_parameters();
  const std::map<std::string, std::string> expected = {{"num_classes", "1"},       {"monitor_metric", "val_recall"},
                                                       {"use_focal_loss", "True"}, {"focal_alpha", "0.25"},
                                                       {"nothing", "None"},        {"negative", "-3"}};
  EXPECT_EQ(parameters, expected);
}

TEST(Checkpoint, TakesPrefixesOffInAnyOrder) {
  const Checkpoint file = Checkpoint::open(golden / "prefixes.pt");
  EXPECT_EQ(file.read_floats("compiled"), ramp(1));
  EXPECT_EQ(file.read_floats("parallel"), ramp(2));
  EXPECT_EQ(file.read_floats("all"), ramp(3));
}

TEST_P(CheckpointFormat, ReadsEveryElementType) {
  const Checkpoint file = Checkpoint::open(this->file("types.pt"));
  for (const char* name : {"float32", "float16", "bfloat16", "float64"}) {
    EXPECT_EQ(to_string(file.tensors().at(name).type), name);
    EXPECT_EQ(file.read_floats(name), ramp(5)) << name;
  }
  for (const char* name : {"int64", "int32", "int16", "int8"}) {
    EXPECT_EQ(to_string(file.tensors().at(name).type), name);
    EXPECT_EQ(file.read_floats(name), (Floats{-2, -1, 0, 1, 2})) << name;
  }
  EXPECT_EQ(file.read_floats("uint8"), (Floats{0, 1, 2, 3, 4}));
  EXPECT_EQ(file.read_floats("bool"), (Floats{1, 0}));
}

TEST_P(CheckpointFormat, ReadsViewsOfASharedStorage) {
  const Checkpoint file = Checkpoint::open(this->file("views.pt"));
  const Floats whole = ramp(24);
  EXPECT_EQ(file.read_floats("whole"), whole);
  Floats transposed;
  for (std::size_t column = 0; column < 6; ++column) {
    for (std::size_t row = 0; row < 4; ++row) transposed.push_back(whole[6 * row + column]);
  }
  EXPECT_EQ(file.tensors().at("transposed").shape, (Shape{6, 4}));
  EXPECT_EQ(file.read_floats("transposed"), transposed);
  EXPECT_EQ(file.read_floats("column"), (Floats{whole[2], whole[8], whole[14], whole[20]}));
  EXPECT_EQ(file.read_floats("corner"), (Floats{whole[8], whole[9], whole[10], whole[14], whole[15], whole[16]}));
  EXPECT_TRUE(file.read_floats("empty").empty());
  EXPECT_EQ(file.read_floats("scalar"), (Floats{2.5}));
}

TEST(Checkpoint, ReadsParametersAndNewerPickles) {
  EXPECT_EQ(Checkpoint::open(golden / "parameters.pt").read_floats("weight"), ramp(4));
  EXPECT_EQ(Checkpoint::open(golden / "protocol4.pt").read_floats("bias"), ramp(1));
  EXPECT_EQ(Checkpoint::open(golden / "protocol0.pt").read_floats("bias"), ramp(1));
}

// The magic number at its beginning is a pickle too, and PyTorch itself cannot read protocol 0 again.
TEST(Checkpoint, ReadsTheOldFormatInEveryProtocolOfPickle) {
  for (const char* protocol : {"0", "1", "3", "4", "5"}) {
    const Checkpoint file = Checkpoint::open(golden / ("legacy_protocol"s + protocol + ".pt"));
    EXPECT_EQ(file.tensors().size(), 3U) << protocol;
    EXPECT_EQ(file.read_floats("weight"), ramp(4)) << protocol;
    EXPECT_EQ(file.read_floats("column"), (Floats{-0.5, 1, 2.5, 4})) << protocol;
    EXPECT_EQ(file.read_floats("half"), ramp(3)) << protocol;
  }
}

// What lies beside the tensors is stepped over, whatever it is; hostile_checkpoint_test.cpp puts it where they should be.
TEST_P(CheckpointFormat, StepsOverASystemCallUnderAnotherKeyAndDoesNotMakeIt) {
  EXPECT_EQ(Checkpoint::open(file("attack.pt")).read_floats("weight"), ramp(2));
  EXPECT_FALSE(fs::exists("/tmp/stagemark-was-attacked"));
}

TEST(Checkpoint, RefusesAPickledModuleByTheNameOfItsClass) {
  EXPECT_NE(refusal("module.pt").find("'__main__.Net'"), std::string::npos) << refusal("module.pt");
  EXPECT_NE(tensor_refusal("module_inside.pt", "net").find("'__main__.Net' under 'net'"), std::string::npos);
}

TEST(Checkpoint, NamesTheFileAndTheRemedyInOneSentence) {
  for (const char* name : {"no_tensors.pt", "make_model_goldens.py", "missing.pt", "."}) {
    const std::string error = refusal(name);
    EXPECT_EQ(error.find((golden / name).string()), 0U) << error;
    EXPECT_EQ(error.find('\n'), std::string::npos) << error;
  }
}

// Few bytes that stand for many elements are how a small file would ask for much memory.
TEST(Checkpoint, RefusesATensorThatRepeatsItsElements) {
  // Only whoever asks for it is refused: the network may have no use for it.
  EXPECT_EQ(refusal("expanded.pt"), "not refused");
  const std::string why = tensor_refusal("expanded.pt", "expanded");
  EXPECT_NE(why.find("tensor 'expanded' repeats its elements, and is larger than its data"), std::string::npos) << why;
  EXPECT_NE(why.find("contiguous()"), std::string::npos) << why;
}

TEST(Checkpoint, ReadsHalfPrecisionToItsEdges) {
  const Checkpoint file = Checkpoint::open(golden / "half_edges.pt");
  constexpr float infinity = std::numeric_limits<float>::infinity();
  // Largest, smallest normal, largest and smallest subnormal: IEEE 754 binary16. Each is exact in float32.
  EXPECT_EQ(file.read_floats("float16"),
            (Floats{65504.0F, -65504.0F, 0x1p-14F, 0x1.ff8p-15F, 0x1p-24F, -0x1p-24F, 0.0F, infinity, -infinity}));
  EXPECT_EQ(file.read_floats("bfloat16"), (Floats{0x1.fep127F, 0x1p-126F, 0x1p-133F, infinity, -infinity}));
  for (const char* name : {"float16_nan", "bfloat16_nan"})
    EXPECT_TRUE(std::isnan(file.read_floats(name).at(0))) << name;
  EXPECT_TRUE(std::signbit(file.read_floats("float16_minus_zero").at(0)));
}

// PyTorch refers to tensors by name only; where they lie does not change when the Checkpoint goes elsewhere.
TEST(Checkpoint, KeepsItsTensorsWhenItIsMoved) {
  Checkpoint first = Checkpoint::open(golden / "views.pt");
  const Checkpoint second = std::move(first);
  EXPECT_EQ(second.read_floats("whole"), ramp(24));
}

TEST(Checkpoint, RefusesATruncatedFile) {
  const TemporaryDirectory directory;
  const std::string whole = TemporaryDirectory::read(golden / "lightning.ckpt");
  const fs::path half = directory.write("half.ckpt", whole.substr(0, whole.size() / 2));
  try {
    (void)Checkpoint::open(half);
    FAIL();
  } catch (const ModelError& error) {
    EXPECT_EQ(std::string(error.what()).find(half.string() + ": "), 0U) << error.what();
    EXPECT_NE(std::string(error.what()).find("truncated"), std::string::npos) << error.what();
  }
}

TEST(Checkpoint, PassesOverObjectsThatItDoesNotNeed) {
  // A class of its own under `callbacks`, NumPy's random state, a set, bytes, a path: in real checkpoints, not in networks.
  const Checkpoint file = Checkpoint::open(golden / "other_objects.ckpt");
  EXPECT_EQ(file.read_floats("weight"), ramp(2));
  // 2^63 + 1 is no int64, and no other number is shown for it.
  const std::map<std::string, std::string> expected = {{"rate", "0.001"}, {"seed", "9223372036854775807"}};
  EXPECT_EQ(file.hyper_parameters(), expected);
}

TEST(Checkpoint, RefusesAnUnknownClassByNameWhereATensorIsWanted) {
  EXPECT_EQ(Checkpoint::open(golden / "unknown_class.pt").read_floats("weight"), ramp(2));
  const std::string said = tensor_refusal("unknown_class.pt", "scale");
  EXPECT_NE(said.find("'__main__.Scale' under 'scale'"), std::string::npos) << said;
}

TEST(Checkpoint, SaysWhichTensorIsMissing) {
  const Checkpoint file = Checkpoint::open(golden / "state_dict.pt");
  EXPECT_THROW((void)file.read_floats("c"), ModelError);
}

TEST(Checkpoint, HoldsTheRealNetwork) {
  const fs::path real = fs::path(STAGEMARK_SHARED_DIR) / "models/pneumonia_resnet50.ckpt";
  if (!fs::exists(real)) GTEST_SKIP() << "no " << real;
  const Checkpoint file = Checkpoint::open(real);
  EXPECT_EQ(file.format(), "lightning-checkpoint");
  const ResidualNetwork network = describe_network(file);
  EXPECT_EQ(network.architecture, "resnet50");
  EXPECT_EQ(network.parameters, 24'049'089U);
  EXPECT_EQ(network.outputs, 1);
  EXPECT_EQ(network.head.size(), 3U);
}

}  // namespace
}  // namespace stagemark
