// What an ONNX file says of itself, and what of it no engine is given. The graphs are written here, byte by byte.
#include "stagemark/model/onnx_description.hpp"

#include <gtest/gtest.h>

#include <array>
#include <filesystem>
#include <string>
#include <vector>

#include "../../src/model/onnx_writer.hpp"
#include "fakes/expect_says.hpp"
#include "fakes/mean_classifier.hpp"
#include "fakes/temporary_directory.hpp"
#include "stagemark/core/error.hpp"

namespace stagemark {
namespace {

using enum OnnxElementType;

class OnnxDescriptions : public testing::Test {
 protected:
  [[nodiscard]] OnnxDescription describe(const std::string& graph) const {
    return describe_onnx(directory_.write("net.onnx", graph));
  }

  /// The one sentence that says why engines do not get it.
  [[nodiscard]] std::string refusal(const std::string& graph, const OnnxImages& images = {3, 4, 4, 1, false}) const {
    try {
      const OnnxDescription described = describe(graph);
      check_images(described, described, images);
    } catch (const ModelError& error) {
      EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos) << error.what();
      EXPECT_SAYS(std::string(error.what()), "net.onnx");
      return error.what();
    }
    return "not refused";
  }

  /// What the output "y" is of a graph whose convolution gives "z", with the constants "c" (1) and "i".
  template <class Tail>
  [[nodiscard]] OutputMeaning meaning(const Tail& tail) const {
    OnnxWriter writer;
    writer.input("x", float32, {1, 3, 4, 4}).output("y", float32, {1, 2});
    writer.constant("w", float32, {2, 3, 4, 4}, bytes_of(std::vector<float>(96, 1)));
    writer.constant("c", float32, {1}, bytes_of({1})).constant("i", int64, {1}, std::string(8, '\1'));
    writer.node("Conv", {"x", "w"}, "z");
    tail(writer);
    return describe(writer.file()).meaning;
  }

  [[nodiscard]] std::string hash() const {
    const std::array graphs = {describe_onnx(directory_ / "net.onnx")};
    return sha256_of_onnx(graphs);
  }

  TemporaryDirectory directory_;
};

OnnxWriter graph_of(OnnxElementType takes, OnnxWriter::Shape input, OnnxElementType gives, OnnxWriter::Shape output) {
  return OnnxWriter().input("x", takes, input).output("y", gives, output).node("Custom", {"x"}, "y");
}

TEST_F(OnnxDescriptions, CountWeightsAndNotWhatStandsBesideThem) {
  const std::string graph = OnnxWriter()
                                .input("x", float32, {1, 2, 4, 4})
                                .output("y", float32, {1, 3})
                                .constant("scale", float32, {}, bytes_of({1}))
                                .constant("zeros", int8, {3}, {"\0\0\0", 3})
                                .constant("scales", float32, {3}, bytes_of({1, 1, 1}))
                                .constant("w", int8, {3, 2, 1, 1}, {"\1\1\1\1\1\1", 6})
                                .constant("axes", int64, {2}, std::string(16, '\0'))
                                .node("DequantizeLinear", {"w", "scales", "zeros"}, "w_real")
                                .node("Conv", {"x", "w_real"}, "y")
                                .file();
  const OnnxDescription facts = describe(graph);
  EXPECT_EQ(facts.parameters, 6U);
  EXPECT_TRUE(facts.quantised);
  EXPECT_FALSE(facts.half_precision);
  EXPECT_EQ(facts.opset, 13);
}

TEST_F(OnnxDescriptions, TellWhatTheOutputIsByAllThatMakesIt) {
  using enum OutputMeaning;
  const auto meaning = [&](std::vector<std::string> operations) {
    MeanClassifier classifier;
    classifier.last_operations = std::move(operations);
    return describe(classifier.file()).meaning;
  };
  EXPECT_EQ(meaning({"Identity"}), logits);
  EXPECT_EQ(meaning({"Relu"}), logits);
  EXPECT_EQ(meaning({"Sigmoid"}), probabilities);
  EXPECT_EQ(meaning({"Sigmoid", "Clip", "Squeeze"}), probabilities);
  EXPECT_EQ(meaning({"Softmax", "Cast", "Identity"}), probabilities);
  EXPECT_EQ(meaning({"HardSigmoid"}), probabilities);
  EXPECT_EQ(meaning({"LogSoftmax"}), log_probabilities);
  EXPECT_EQ(meaning({"LogSoftmax", "Exp"}), probabilities);
  EXPECT_EQ(meaning({"Softmax", "Log"}), log_probabilities);
  EXPECT_EQ(meaning({"Softmax", "ArgMax"}), class_numbers);
  EXPECT_EQ(meaning({"Sigmoid", "Round", "Cast"}), class_numbers);
  EXPECT_EQ(meaning({"NotYetInvented"}), unknown);
  EXPECT_EQ(meaning({"Sigmoid", "NotYetInvented"}), unknown);
}

TEST_F(OnnxDescriptions, TellWhatArithmeticMakesOfProbabilities) {
  using enum OutputMeaning;
  EXPECT_EQ(meaning([](auto& w) { w.node("Softmax", {"z"}, "p").node("Gather", {"p", "i"}, "y"); }), probabilities);
  EXPECT_EQ(meaning([](auto& w) { w.node("Sigmoid", {"z"}, "p").node("Sub", {"c", "p"}, "y"); }), other_class);
  EXPECT_EQ(meaning([](auto& w) {
              w.node("Sigmoid", {"z"}, "p").node("Sub", {"c", "p"}, "q").node("Concat", {"q", "p"}, "y");
            }),
            probabilities);
  EXPECT_EQ(meaning([](auto& w) {
              w.node("Exp", {"z"}, "e").node("ReduceSum", {"e"}, "sum").node("Div", {"e", "sum"}, "y");
            }),
            probabilities)
      << "a softmax taken apart";
  EXPECT_EQ(meaning([](auto& w) {
              w.node("Greater", {"z", "c"}, "m").node("Softmax", {"z"}, "p").node("Where", {"m", "p", "c"}, "y");
            }),
            probabilities);
  EXPECT_EQ(meaning([](auto& w) {
              w.node("Softmax", {"z"}, "p").node("Softmax", {"z"}, "q").node("Mean", {"p", "q"}, "y");
            }),
            probabilities);
  EXPECT_EQ(meaning([](auto& w) { w.node("Greater", {"z", "c"}, "m").node("Cast", {"m"}, "y"); }), class_numbers);
  EXPECT_EQ(meaning([](auto& w) { w.node("Mul", {"z", "c"}, "y"); }), logits) << "a temperature";
  EXPECT_EQ(meaning([](auto& w) { w.node("Sigmoid", {"z"}, "p").node("Mul", {"z", "p"}, "y"); }), logits) << "a gate";
  EXPECT_EQ(meaning([](auto& w) { w.function("Own", "Sigmoid").node("Own", {"z"}, "y"); }), probabilities);
  EXPECT_EQ(meaning([](auto& w) { w.function("Own", "Own").node("Own", {"z"}, "y"); }), unknown) << "without end";
  EXPECT_EQ(meaning([](auto& w) { w.node("Identity", {"y"}, "y"); }), unknown) << "a circle";
}

TEST_F(OnnxDescriptions, TellWhichColumnIsTakenOfASoftmax) {
  using enum OutputMeaning;
  using List = std::vector<std::uint64_t>;
  const auto number = [](std::uint64_t value) {
    return std::string(1, static_cast<char>(value)) + std::string(7, '\0');
  };
  const auto of_softmax = [&](const char* operation, std::initializer_list<std::string_view> inputs,
                              std::initializer_list<OnnxWriter::Attribute> attributes) {
    return meaning([&](auto& w) {
      for (std::uint64_t i = 0; i < 3; ++i) w.constant("n" + std::to_string(i), int64, {1}, number(i));
      w.node_with("Softmax", {"z"}, "p", {{"axis", 1U}}).node_with(operation, inputs, "y", attributes);
    });
  };
  EXPECT_EQ(of_softmax("Gather", {"p", "n0"}, {{"axis", 1U}}), other_class);
  EXPECT_EQ(of_softmax("Gather", {"p", "n1"}, {{"axis", 1U}}), probabilities);
  EXPECT_EQ(of_softmax("Gather", {"p", "n0"}, {}), probabilities) << "of the first image";
  EXPECT_EQ(of_softmax("Slice", {"p", "n0", "n1", "n1"}, {}), other_class);
  EXPECT_EQ(of_softmax("Slice", {"p", "n1", "n2", "n1"}, {}), probabilities);
  EXPECT_EQ(of_softmax("Slice", {"p", "n0", "n2", "n1"}, {}), probabilities) << "both";
  EXPECT_EQ(of_softmax("ReduceMax", {"p"}, {{"axes", List{1}}}), winner);
  EXPECT_EQ(of_softmax("ReduceMax", {"p"}, {{"axes", List{2, 3}}}), probabilities) << "over pixels";
  EXPECT_EQ(of_softmax("TopK", {"p", "n1"}, {}), winner);
  EXPECT_EQ(meaning([](auto& w) { w.node_with("Softmax", {"z"}, "y", {{"axis", 0U}}); }), across_images);
}

TEST_F(OnnxDescriptions, TellLocalFunctionsApartByTheirDomains) {
  using enum OutputMeaning;
  EXPECT_EQ(meaning([](auto& w) { w.function("Sigmoid", "Identity", "my").node_of("my", "Sigmoid", "z", "y"); }),
            logits);
  EXPECT_EQ(meaning([](auto& w) { w.function("Softmax", "Identity", "my").node("Softmax", {"z"}, "y"); }),
            probabilities);
  for (const bool first : {true, false}) {
    EXPECT_EQ(meaning([&](auto& w) {
                w.function("Head", "Softmax", first ? "a" : "b").function("Head", "Identity", first ? "b" : "a");
                w.node_of("a", "Head", "z", "y");
              }),
              first ? probabilities : logits);
  }
  EXPECT_EQ(meaning([](auto& w) { w.function("Own", "Softmax", "ai.onnx").node("Own", {"z"}, "y"); }), probabilities);
  EXPECT_EQ(meaning([](auto& w) { w.node_of("ai.onnx", "Softmax", "z", "y"); }), probabilities);
  EXPECT_EQ(meaning([](auto& w) { w.node_of("theirs", "Softmax", "z", "y"); }), unknown);
}

// ONNX Runtime saves what it optimised so.
TEST_F(OnnxDescriptions, TellTheActivationThatWasMadeAPartOfAnOperation) {
  using enum OutputMeaning;
  const auto fused = [&](std::string_view activation, std::string_view domain) {
    return meaning([&](auto& w) { w.node_with("FusedGemm", {"z", "c"}, "y", {{"activation", activation}}, domain); });
  };
  EXPECT_EQ(fused("Sigmoid", "com.microsoft"), probabilities);
  EXPECT_EQ(fused("Relu", "com.microsoft"), logits);
  EXPECT_EQ(fused("Tanh", "com.microsoft"), unknown);
  EXPECT_EQ(fused("NotYetInvented", "com.microsoft"), unknown);
  EXPECT_EQ(meaning([](auto& w) { w.node_with("FusedGemm", {"z", "c"}, "y", {}, "com.microsoft"); }), logits);
}

TEST_F(OnnxDescriptions, DoNotTellWhatOneBranchAloneMakes) {
  using enum OutputMeaning;
  EXPECT_EQ(meaning([](auto& w) { w.either("i", "Softmax", "Identity", "z", "y"); }), unknown);
  EXPECT_EQ(meaning([](auto& w) { w.either("i", "Softmax", "Sigmoid", "z", "y"); }), probabilities);
  EXPECT_EQ(meaning([](auto& w) { w.either("i", "Relu", "Identity", "z", "y"); }), logits);
  EXPECT_EQ(meaning([](auto& w) { w.node("Loop", {"i", "i", "z"}, "y"); }), unknown);
}

TEST_F(OnnxDescriptions, TellTheRangeOfConstantsInWhateverWayTheyAreWritten) {
  using enum OutputMeaning;
  const std::string half_of_one(std::string_view("\x00\x3c", 2));
  EXPECT_EQ(meaning([&](auto& w) {
              w.constant("h", float16, {1}, half_of_one).node("Sigmoid", {"z"}, "p").node("Sub", {"h", "p"}, "y");
            }),
            other_class);
  EXPECT_EQ(meaning([](auto& w) {
              w.node_of("", "Constant", "", "one", "value_int", 1).node("Cast", {"one"}, "real");
              w.node("Sigmoid", {"z"}, "p").node("Sub", {"real", "p"}, "y");
            }),
            other_class);
  EXPECT_EQ(
      meaning([](auto& w) {
        w.constant("two", float32, {2}, bytes_of({2, 1})).node("Sigmoid", {"z"}, "p").node("Sub", {"two", "p"}, "y");
      }),
      scaled_probabilities);
  // Of large ones nothing is told.
  EXPECT_EQ(meaning([](auto& w) {
              w.constant("many", float32, {2000}, bytes_of(std::vector<float>(2000, 1)));
              w.node("Sigmoid", {"z"}, "p").node("Sub", {"many", "p"}, "y");
            }),
            unknown);
  // Of zeros that a shape makes.
  EXPECT_EQ(meaning([](auto& w) {
              w.node("ConstantOfShape", {"i"}, "zeros").node("Softmax", {"z"}, "p");
              w.node("ScatterND", {"zeros", "i", "p"}, "y");
            }),
            probabilities);
}

TEST_F(OnnxDescriptions, TellThatACastRounds) {
  using enum OutputMeaning;
  for (const auto& [type, expected] : {std::pair(7U, class_numbers), {9U, class_numbers}, {10U, probabilities}}) {
    EXPECT_EQ(meaning([&](auto& w) {
                w.node("Sigmoid", {"z"}, "p").node_of("", "Cast", "p", "rounded", "to", type);
                w.node_of("", "Cast", "rounded", "y", "to", 1);
              }),
              expected)
        << type;
  }
}

TEST_F(OnnxDescriptions, RefuseToBatchWhatIsReshapedToOneImage) {
  const auto graph = [&](std::string_view target) {
    return OnnxWriter()
        .input("x", float32, {{}, 3, 4, 4})
        .output("y", float32, {{}, 48})
        .constant("shape", int64, {2}, target)
        .node("Reshape", {"x", "shape"}, "y")
        .file();
  };
  const std::string one(std::string_view("\1\0\0\0\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff", 16));
  const std::string any(std::string_view("\0\0\0\0\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff", 16));
  EXPECT_SAYS(refusal(graph(one), {3, 4, 4, 4, false}), "a Reshape in it makes batches of 1, and 4 was asked for");
  EXPECT_EQ(refusal(graph(one)), "not refused");
  EXPECT_EQ(refusal(graph(any), {3, 4, 4, 4, false}), "not refused");
}

TEST_F(OnnxDescriptions, RefuseOtherElementTypesThanAnEngineIsGiven) {
  const OnnxWriter::Shape image = {std::nullopt, 3, 4, 4};
  const OnnxWriter::Shape row = {std::nullopt, 2};
  EXPECT_SAYS(refusal(graph_of(uint8, image, float32, row).file()),
              "takes uint8 N x 3 x 4 x 4 and gives float32 N x 2: preprocessing makes float32 N x 3 x 4 x 4");
  EXPECT_SAYS(refusal(graph_of(float64, image, float32, row).file()), "takes float64");
  EXPECT_SAYS(refusal(graph_of(float32, image, float64, row).file()), "what is read is float32");
  EXPECT_SAYS(refusal(graph_of(float32, image, int64, {std::nullopt}).file()), "class numbers");
  EXPECT_SAYS(refusal(graph_of(float16, image, float16, row).file()), "takes float16");
  EXPECT_EQ(refusal(graph_of(float16, image, float16, row).file(), {3, 4, 4, 1, true}), "not refused");
  EXPECT_EQ(refusal(graph_of(float32, image, float32, row).file()), "not refused");
}

TEST_F(OnnxDescriptions, RefuseOtherImagesThanPreprocessingMakes) {
  const auto taking = [](OnnxWriter::Shape image) { return graph_of(float32, image, float32, {{}, 2}).file(); };
  EXPECT_SAYS(refusal(taking({{}, 1, 4, 4})), "export it for images of three channels");
  EXPECT_SAYS(refusal(taking({{}, 4, 4, 3})), "channels last");
  EXPECT_SAYS(refusal(taking({{}, {}, {}, 3})), "channels last");
  EXPECT_SAYS(refusal(taking({{}, 3, 8, 8})), "preprocessing makes float32 N x 3 x 4 x 4");
  EXPECT_SAYS(refusal(taking({{}, 3, 8, 8})), "`resize`");
  EXPECT_SAYS(refusal(taking({{}, 3})), "four dimensions");
  EXPECT_SAYS(refusal(taking({1, 3, 4, 4}), {3, 4, 4, 8, false}), "batches of 1 only, and 8 was asked for");
  EXPECT_EQ(refusal(taking({{}, {}, {}, {}})), "not refused");
  EXPECT_EQ(refusal(taking({{}, 3, {}, {}}), {3, 640, 480, 16, false}), "not refused");
}

TEST_F(OnnxDescriptions, RefuseWhatIsNoRowForAnImage) {
  const auto giving = [](OnnxWriter::Shape output) { return graph_of(float32, {{}, 3, 4, 4}, float32, output).file(); };
  EXPECT_SAYS(refusal(giving({{}, 3, 4, 4})), "not one row of logits for each image");
  EXPECT_EQ(refusal(giving({{}, 2, 1, 1})), "not refused");
  EXPECT_EQ(refusal(giving({{}})), "not refused");
  EXPECT_EQ(outputs_per_image(std::array<std::int64_t, 1>{4}, 4), 1U);
  EXPECT_EQ(outputs_per_image(std::array<std::int64_t, 4>{4, 3, 1, 1}, 4), 3U);
  EXPECT_THROW((void)outputs_per_image(std::array<std::int64_t, 2>{1, 3}, 4), ModelError);
  EXPECT_THROW((void)outputs_per_image(std::array<std::int64_t, 3>{4, 3, 2}, 4), ModelError);
  EXPECT_THROW((void)outputs_per_image(std::array<std::int64_t, 2>{4, 0}, 4), ModelError);
  EXPECT_THROW((void)outputs_per_image(std::span<const std::int64_t>(), 4), ModelError);
}

TEST_F(OnnxDescriptions, RefuseOtherThanOneInputAndOneOutput) {
  const std::string two_inputs = OnnxWriter()
                                     .input("a", float32, {{}, 3, 4, 4})
                                     .input("b", float32, {{}, 3, 4, 4})
                                     .output("y", float32, {{}, 3})
                                     .node("Add", {"a", "b"}, "y")
                                     .file();
  EXPECT_SAYS(refusal(two_inputs), "2 inputs and 1 outputs");
  // As files of old versions have them.
  const std::string weight_among_inputs = OnnxWriter()
                                              .input("x", float32, {{}, 3, 4, 4})
                                              .input("w", float32, {2, 3, 4, 4})
                                              .output("y", float32, {{}, 2, 1, 1})
                                              .constant("w", float32, {2, 3, 4, 4}, bytes_of(std::vector<float>(96, 1)))
                                              .node("Conv", {"x", "w"}, "y")
                                              .file();
  EXPECT_EQ(refusal(weight_among_inputs), "not refused");
}

TEST_F(OnnxDescriptions, CoverTheFilesThatHoldWeights) {
  MeanClassifier classifier;
  classifier.weights_file = "net.data";
  const std::string graph = classifier.file();
  EXPECT_SAYS(refusal(graph), "keeps weights in 'net.data', and there is no such file beside it");
  (void)directory_.write("net.data", classifier.weights().substr(1));
  EXPECT_SAYS(refusal(graph), "'net.data', which ends before its tensor 'weights' does");
  (void)directory_.write("net.data", classifier.weights());
  EXPECT_EQ(refusal(graph), "not refused");
  EXPECT_EQ(describe(graph).external_files, std::vector<std::filesystem::path>{directory_ / "net.data"});
  // Another data file under the same graph is another model.
  const std::string first = hash();
  (void)directory_.write("net.data", std::string(classifier.weights().size(), '\1'));
  EXPECT_NE(hash(), first);
  (void)directory_.write("net.data", classifier.weights());
  EXPECT_EQ(hash(), first);
}

TEST_F(OnnxDescriptions, CoverTheFilesOfLocalFunctionsToo) {
  const std::string graph = OnnxWriter()
                                .input("x", float32, {{}, 3, 4, 4})
                                .output("y", float32, {{}, 48})
                                .adding_function("Shift", "shift.data")
                                .node("Flatten", {"x"}, "flat")
                                .node("Shift", {"flat"}, "y")
                                .file();
  EXPECT_SAYS(refusal(graph), "keeps weights in 'shift.data', and there is no such file beside it");
  (void)directory_.write("shift.data", "abc");
  EXPECT_SAYS(refusal(graph), "'shift.data', which ends before its tensor 'c' does");
  (void)directory_.write("shift.data", bytes_of({1}));
  EXPECT_EQ(refusal(graph), "not refused");
  const std::string first = hash();
  (void)directory_.write("shift.data", bytes_of({2}));
  EXPECT_NE(hash(), first);
}

TEST_F(OnnxDescriptions, RefuseWeightsOutsideOfTheModelsDirectory) {
  const TemporaryDirectory elsewhere;
  (void)elsewhere.write("net.data", std::string(12, '\0'));
  MeanClassifier classifier;
  for (const std::string& place :
       {std::string("../net.data"), (elsewhere / "net.data").string(), std::string("a/../../b")}) {
    classifier.weights_file = place;
    EXPECT_SAYS(refusal(classifier.file()), "outside of its own directory");
  }
  std::filesystem::create_symlink(elsewhere / "net.data", directory_ / "link.data");
  classifier.weights_file = "link.data";
  EXPECT_SAYS(refusal(classifier.file()), "outside of its own directory");
  classifier.weights_file = "";
  EXPECT_SAYS(refusal(classifier.file()), "does not say in which file its tensor 'weights' is");
}

TEST_F(OnnxDescriptions, RefuseNumbersOfPlacesThatAreNone) {
  (void)directory_.write("net.data", std::string(12, '\0'));
  const auto with = [&](std::string_view key, std::string_view value) {
    return OnnxWriter()
        .input("x", float32, {{}, 3, 4, 4})
        .output("y", float32, {{}, 1})
        .external("w", float32, {1, 3, 1, 1}, {{"location", "net.data"}, {key, value}})
        .node("Conv", {"x", "w"}, "y")
        .file();
  };
  EXPECT_EQ(refusal(with("length", "12")), "not refused");
  EXPECT_SAYS(refusal(with("length", "13")), "ends before");
  EXPECT_SAYS(refusal(with("offset", "1")), "ends before");
  EXPECT_SAYS(refusal(with("offset", "18446744073709551615")), "ends before");
  EXPECT_SAYS(refusal(with("offset", "-1")), "the offset of its tensor 'w' in another file is no number");
  EXPECT_SAYS(refusal(with("length", "")), "the length of its tensor 'w' in another file is no number");
}

TEST_F(OnnxDescriptions, AreNotGivenWhereverTheFileIsCut) {
  const std::string whole = MeanClassifier{}.file();
  for (std::size_t length = 0; length + 1 < whole.size(); ++length) {
    try {
      (void)describe_onnx(directory_.write("cut.onnx", whole.substr(0, length)));
      // Only the graph itself is read: what comes after it is the operators' version.
      EXPECT_GT(length, whole.size() - 10);
    } catch (const ModelError& error) {
      EXPECT_SAYS(std::string(error.what()), "cut.onnx");
    }
  }
}

}  // namespace
}  // namespace stagemark
