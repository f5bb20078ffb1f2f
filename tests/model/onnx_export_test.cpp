// What the numbers are, the contract of the engines that run these files tests: tests/backends/engine_contract_test.cpp.
#include "stagemark/model/onnx_export.hpp"

#include <gtest/gtest.h>
#include <onnx/checker.h>
#include <onnx/onnx_pb.h>

#include <cmath>
#include <fstream>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "fakes/temporary_directory.hpp"
#include "fakes/tiny_resnet.hpp"
#include "model/onnx_graph.hpp"
#include "stagemark/core/error.hpp"
#include "stagemark/model/checkpoint.hpp"

namespace stagemark {
namespace {

constexpr std::size_t side = 48;

ActivationRanges ranges_of(const TinyResnet& network) {
  std::vector<float> input(3 * side * side);
  for (std::size_t i = 0; i < input.size(); ++i) input[i] = static_cast<float>(std::sin(static_cast<double>(i)));
  ActivationRanges ranges;
  (void)network.logits(input, side, ranges);
  return ranges;
}

class OnnxExport : public testing::Test {
 protected:
  void SetUp() override {
    options_.height = side;
    options_.width = side;
    options_.ranges = ranges_of(network_);
  }

  [[nodiscard]] std::filesystem::path write(const std::vector<NamedTensor>& tensors) const {
    write_lightning_checkpoint(directory_ / "tiny.ckpt", tensors, {});
    export_onnx(directory_ / "tiny.onnx", Checkpoint::open(directory_ / "tiny.ckpt"), options_);
    return directory_ / "tiny.onnx";
  }
  [[nodiscard]] std::filesystem::path write() const { return write(network_.tensors()); }

  [[nodiscard]] onnx::ModelProto model() const {
    std::ifstream in(write(), std::ios::binary);
    onnx::ModelProto result;
    EXPECT_TRUE(result.ParseFromIstream(&in));
    return result;
  }

  TemporaryDirectory directory_;
  TinyResnet network_;
  OnnxExportOptions options_;
};

std::map<std::string, int> operators(const onnx::ModelProto& model) {
  std::map<std::string, int> count;
  for (const auto& node : model.graph().node()) ++count[node.op_type()];
  return count;
}

/// Each constant is used once, and none is left over.
void expect_own_constants(const onnx::ModelProto& model) {
  std::map<std::string, int> uses;
  for (const auto& tensor : model.graph().initializer()) EXPECT_TRUE(uses.emplace(tensor.name(), 0).second);
  for (const auto& node : model.graph().node()) {
    for (const std::string& input : node.input()) {
      if (const auto found = uses.find(input); found != uses.end()) ++found->second;
    }
  }
  for (const auto& [name, count] : uses) EXPECT_EQ(count, 1) << name;
}

TEST_F(OnnxExport, IsWhatOnnxAllowsInEveryForm) {
  for (const OnnxPrecision precision : {OnnxPrecision::fp32, OnnxPrecision::fp16, OnnxPrecision::int8}) {
    for (const OnnxPart part : {OnnxPart::whole, OnnxPart::backbone, OnnxPart::head}) {
      for (const OnnxQuantisation quantisation : {OnnxQuantisation::qdq, OnnxQuantisation::operators}) {
        options_.precision = precision;
        options_.part = part;
        options_.quantisation = quantisation;
        const onnx::ModelProto exported = model();
        EXPECT_NO_THROW(onnx::checker::check_model(exported));
        EXPECT_EQ(operators(exported).count("Identity"), 0U);
        EXPECT_EQ(operators(exported).count("BatchNormalization"), 0U);
        expect_own_constants(exported);
        const auto& input = exported.graph().input(0);
        const auto& output = exported.graph().output(0);
        EXPECT_EQ(input.name(), part == OnnxPart::head ? "features" : "input");
        EXPECT_EQ(output.name(), part == OnnxPart::backbone ? "features" : "logits");
        EXPECT_EQ(input.type().tensor_type().elem_type(), onnx::TensorProto::FLOAT);
        EXPECT_EQ(output.type().tensor_type().elem_type(), onnx::TensorProto::FLOAT);
        EXPECT_EQ(input.type().tensor_type().shape().dim(0).dim_param(), "N");
        EXPECT_EQ(output.type().tensor_type().shape().dim(0).dim_param(), "N");
      }
    }
  }
}

TEST_F(OnnxExport, SaysWhereItComesFrom) {
  const onnx::ModelProto exported = model();
  EXPECT_EQ(exported.opset_import(0).version(), 13);
  std::map<std::string, std::string> properties;
  for (const auto& entry : exported.metadata_props()) properties[entry.key()] = entry.value();
  EXPECT_EQ(properties["architecture"], "resnet18");
  EXPECT_EQ(properties["source_sha256"], Checkpoint::open(directory_ / "tiny.ckpt").sha256());
  EXPECT_FALSE(properties["stagemark_version"].empty());
}

TEST_F(OnnxExport, GivesTheSameBytesForTheSameNetwork) {
  options_.precision = OnnxPrecision::int8;
  const std::string first = TemporaryDirectory::read(write());
  EXPECT_EQ(TemporaryDirectory::read(write()), first);
}

TEST_F(OnnxExport, HoldsHalvesWhereHalvesCompute) {
  options_.precision = OnnxPrecision::fp16;
  const onnx::ModelProto exported = model();
  for (const auto& tensor : exported.graph().initializer()) {
    EXPECT_EQ(tensor.data_type(), onnx::TensorProto::FLOAT16) << tensor.name();
  }
  EXPECT_EQ(operators(exported)["Cast"], 2);
}

TEST_F(OnnxExport, RefusesAWeightThatNoHalfCanHoldAndNamesIt) {
  options_.precision = OnnxPrecision::fp16;
  std::vector<NamedTensor> tensors = network_.tensors();
  for (NamedTensor& tensor : tensors) {
    if (tensor.name == "fc.weight") std::get<std::vector<float>>(tensor.values)[0] = 65'520;  // rounds to 65,536
  }
  try {
    (void)write(tensors);
    FAIL();
  } catch (const ModelError& error) {
    EXPECT_NE(std::string(error.what()).find("'fc.weight'"), std::string::npos) << error.what();
  }
}

TEST_F(OnnxExport, NamesTheTensorWhoseRangeIsMissing) {
  options_.precision = OnnxPrecision::int8;
  for (const char* tensor : {"input", "layer2.0.downsample.0.weight", "layer4.1.conv2.weight.sum", "pool"}) {
    options_.ranges = ranges_of(network_);
    options_.ranges.erase(tensor);
    try {
      (void)write();
      FAIL() << tensor;
    } catch (const ModelError& error) {
      EXPECT_NE(std::string(error.what()).find("'" + std::string(tensor) + "'"), std::string::npos) << error.what();
    }
  }
}

TEST_F(OnnxExport, RepresentsZeroExactlyAndWhatFollowsReluFromZeroOn) {
  options_.precision = OnnxPrecision::int8;
  options_.ranges["input"] = {-1, 3};
  std::map<std::string, std::string> constants;
  const onnx::ModelProto exported = model();
  for (const auto& tensor : exported.graph().initializer()) constants[tensor.name()] = tensor.raw_data();
  EXPECT_EQ(constants.at("input_zero_point")[0], 64);
  EXPECT_EQ(constants.at("conv1.relu_zero_point")[0], 0);
}

TEST_F(OnnxExport, IsDescribedAsItWasWritten) {
  const OnnxDescription whole = describe_onnx(write());
  EXPECT_EQ(whole.input, "input");
  EXPECT_EQ(whole.output, "logits");
  EXPECT_EQ(whole.height, std::int64_t{side});
  EXPECT_EQ(whole.width, std::int64_t{side});
  EXPECT_EQ(whole.outputs, 1);
  EXPECT_EQ(whole.opset, 13);
  // Weights, and one bias a channel where the checkpoint has weight and bias of a normalisation: 20 of 8 channels.
  EXPECT_EQ(whole.parameters, network_.parameters() - std::uint64_t{20} * 8);
  options_.precision = OnnxPrecision::int8;
  EXPECT_EQ(describe_onnx(write()).parameters, whole.parameters);
  options_.quantisation = OnnxQuantisation::operators;
  EXPECT_EQ(describe_onnx(write()).parameters, whole.parameters);
}

TEST_F(OnnxExport, IsNotDescribedWhereItIsCutOrSomethingElse) {
  const std::string bytes = TemporaryDirectory::read(write());
  EXPECT_THROW((void)describe_onnx(directory_.write("cut.onnx", bytes.substr(0, bytes.size() / 2))), ModelError);
  EXPECT_THROW((void)describe_onnx(directory_.write("text.onnx", "not a model\n")), ModelError);
  EXPECT_THROW((void)describe_onnx(directory_.write("empty.onnx", "")), ModelError);
  EXPECT_THROW((void)describe_onnx(directory_ / "missing.onnx"), ModelError);
}

TEST_F(OnnxExport, LeavesNothingBehindWhereItCannotWrite) {
  write_lightning_checkpoint(directory_ / "tiny.ckpt", network_.tensors(), {});
  const Checkpoint checkpoint = Checkpoint::open(directory_ / "tiny.ckpt");
  EXPECT_THROW(export_onnx(directory_ / "missing" / "tiny.onnx", checkpoint, options_), OutputError);
  EXPECT_FALSE(std::filesystem::exists(directory_ / "missing"));
}

TEST(Half, RoundsToTheNearestAndTiesToEven) {
  const auto half = [](double value) { return to_half(static_cast<float>(value)).bits; };
  EXPECT_EQ(half(0), 0x0000);
  EXPECT_EQ(half(-0.0), 0x8000);
  EXPECT_EQ(half(1), 0x3C00);
  EXPECT_EQ(half(-2), 0xC000);
  EXPECT_EQ(half(65'504), 0x7BFF);  // the largest
  EXPECT_EQ(half(65'519), 0x7BFF);
  EXPECT_EQ(half(65'520), 0x7C00);  // half way to the next: infinity
  EXPECT_EQ(half(std::numeric_limits<double>::infinity()), 0x7C00);
  EXPECT_EQ(half(1 + std::ldexp(1, -11)), 0x3C00);      // a tie, to even
  EXPECT_EQ(half(1 + 3 * std::ldexp(1, -11)), 0x3C02);  // a tie, to even
  EXPECT_EQ(half(1 + std::ldexp(1, -11) + std::ldexp(1, -20)), 0x3C01);
  EXPECT_EQ(half(std::ldexp(1, -14)), 0x0400);  // the smallest normal one
  EXPECT_EQ(half(std::ldexp(1, -24)), 0x0001);  // the smallest of all
  EXPECT_EQ(half(std::ldexp(1, -25)), 0x0000);  // half of it, to even
  EXPECT_EQ(half(std::ldexp(1.5, -25)), 0x0001);
  EXPECT_EQ(half(std::ldexp(1023.5, -24)), 0x0400);  // rounds up to a normal one
  EXPECT_EQ(half(std::nan("")) & 0x7C00, 0x7C00);
  EXPECT_NE(half(std::nan("")) & 0x03FF, 0);
}

}  // namespace
}  // namespace stagemark
