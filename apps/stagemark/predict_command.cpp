#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <csignal>
#include <cstring>
#include <iostream>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "command_line.hpp"
#include "option_names.hpp"
#include "preprocessing_arguments.hpp"
#include "quantisation_arguments.hpp"
#include "quantity.hpp"
#include "stagemark/backend/decision.hpp"
#include "stagemark/backend/read_out.hpp"
#include "stagemark/core/error.hpp"
#include "stagemark/core/number_text.hpp"
#include "stagemark/format/console_table.hpp"
#include "stagemark/format/json_object.hpp"
#include "stagemark/machine/environment.hpp"
#include "stagemark/session/engines.hpp"
#include "stagemark/session/model_preparation.hpp"

namespace stagemark {
namespace {

struct PredictArguments {
  std::string model;
  std::vector<std::string> images;
  std::string approach = "libtorch-fp32";
  std::string classes;
  double threshold = 0.5;
  bool threshold_given = false;
  bool as_json = false;
  QuantisationArguments quantisation;
  PreprocessingArguments preprocessing;
};

std::vector<std::string> names_in(const std::string& list) {
  std::vector<std::string> names;
  for (std::size_t from = 0; !list.empty() && from <= list.size();) {
    const std::size_t comma = std::min(list.find(',', from), list.size());
    names.push_back(list.substr(from, comma - from));
    from = comma + 1;
  }
  return names;
}

/// Prints as it goes: who pipes ten thousand images wants to see the first.
class Answers {
 public:
  Answers(const PredictArguments& arguments) : arguments_(arguments), names_(names_in(arguments.classes)) {}

  void add(const std::string& path, const Prediction& prediction) {
    const std::size_t index = decide(prediction, {.threshold = arguments_.threshold, .classes = 2, .positive = {}});
    // Of a binary task the probability is that of class 1, whichever class it is that won.
    const std::string name = index < names_.size() ? names_[index] : std::to_string(index);
    if (arguments_.as_json) {
      JsonObject line;
      line.text("path", path).number("class_index", static_cast<double>(index)).text("class", name);
      line.number("probability", prediction.probability);
      if (prediction.logit) line.number("logit", *prediction.logit);
      std::cout << line.str() << std::endl;
    } else {
      table_.add(
          {path, name, decimal(prediction.probability, 6), prediction.logit ? decimal(*prediction.logit, 6) : ""});
    }
  }

  void add_failure(const std::string& path, const std::string& reason) {
    ++failures_;
    if (arguments_.as_json) {
      std::cout << JsonObject().text("path", path).text("error", reason).str() << std::endl;
    } else {
      table_.add({path, "failed: " + reason, "", ""});
    }
  }

  [[nodiscard]] std::size_t failures() const noexcept { return failures_; }

  void finish() const {
    if (!arguments_.as_json) table_.print(std::cout);
  }

 private:
  using Align = ConsoleTable::Align;

  const PredictArguments& arguments_;
  std::vector<std::string> names_;
  ConsoleTable table_{{"image", "class", "probability", "logit"},
                      {Align::left, Align::left, Align::right, Align::right}};
  std::size_t failures_ = 0;
};

void warn(const std::string& text) { std::cerr << "stagemark: warning: " << text << '\n'; }

/// \param outputs numbers of an image; 0 where the engine does not tell
void warn_of_ignored(const PredictArguments& arguments, std::size_t names, std::size_t outputs) {
  if (outputs == 0) return;
  const std::size_t classes = std::max<std::size_t>(outputs, 2);
  if (names > 0 && names != classes) {
    warn("--classes names " + std::to_string(names) + (names == 1 ? " class" : " classes") +
         ", and the network decides between " + std::to_string(classes));
  }
  if (classes > 2 && arguments.threshold_given) {
    warn("--threshold is not used: of " + std::to_string(classes) + " classes the likeliest wins");
  }
}

ExitCode predict_here(const PredictArguments& arguments) {
  if (!std::isfinite(arguments.threshold)) {
    throw UsageError("the threshold is not a number", "--threshold", "give one from 0 to 1");
  }
  const Toolkit& toolkit = built_in_toolkit();
  const Approach approach = toolkit.registry.resolve(parse_approach(arguments.approach), std::nullopt);
  const Backend& backend = toolkit.registry.find(approach.engine);
  ModelPreparation preparation(arguments.preprocessing.preprocessing(), arguments.preprocessing.image_source(),
                               usable_cpus());
  if (arguments.quantisation.given()) {
    preparation.quantise_with(images_in(arguments.quantisation.directory()), arguments.quantisation.method());
  }
  const OpenedApproach opened =
      open_approach(toolkit, preparation.prepare(backend, approach, std::filesystem::path(arguments.model)));
  if (backend.needs_model) {
    for (const std::string& sentence : left_out_of(arguments.model)) warn(sentence);
  }
  if (arguments.quantisation.given() &&
      !ModelPreparation::needs_quantisation_images(backend, approach.precision, arguments.model)) {
    warn("--calibration is not used: only an int8 approach given a checkpoint needs images");
  }

  Answers answers(arguments);
  const ExecutionFacts facts = opened.wrapper->execution_facts();
  LogitRows logits;
  std::size_t outputs = 0;
  std::vector<SampleRange> sixteen_bit_ranges;
  StageTimer timer;
  for (const std::string& path : arguments.images) {
    try {
      const Image image = opened.images->load(path);
      if (image.sixteen_bit_range) sixteen_bit_ranges.push_back(*image.sixteen_bit_range);
      Prediction prediction;
      opened.wrapper->predict({&image, 1}, {&prediction, 1}, timer);
      (void)timer.take();
      if (const auto problem = defect(prediction)) throw InputError(*problem);
      answers.add(path, prediction);
      outputs = opened.wrapper->scores().size();
      if (prediction.logit) logits.see(opened.wrapper->scores(), 1, facts.outputs_unknown);
    } catch (const std::exception& error) {
      const std::string text = error.what();
      answers.add_failure(path, text.substr(0, text.find('\n')));
    }
  }
  answers.finish();
  if (!sixteen_bit_ranges.empty()) {
    warn(with_option_names(sixteen_bit_warning(sixteen_bit_ranges, arguments.images.size())));
  }
  warn_of_ignored(arguments, names_in(arguments.classes).size(), outputs);
  if (const auto doubtful = doubt(logits, logits.count)) warn(*doubtful);
  if (answers.failures() > 0) {
    throw InputError(std::to_string(answers.failures()) + " of " + std::to_string(arguments.images.size()) +
                     " images failed");
  }
  return ExitCode::success;
}

/// In a process of its own: a library that dies of a model must not take the word away from who has to say so. What is
/// printed, and how the command ends, are the child's.
ExitCode predict(const PredictArguments& arguments) {
  std::cout.flush();
  const pid_t child = fork();
  if (child < 0) throw BackendError("no process can be started: " + std::string(std::strerror(errno)));
  if (child == 0) {
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
    return predict_here(arguments);
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) throw BackendError("its process was lost: " + std::string(std::strerror(errno)));
  }
  if (WIFEXITED(status)) return static_cast<ExitCode>(WEXITSTATUS(status));
  const int deadly = WTERMSIG(status);
  // Who ends the child means the command.
  if (deadly == SIGINT || deadly == SIGTERM || deadly == SIGHUP) {
    (void)std::raise(deadly);
  }
  const std::string what = "approach '" + arguments.approach + "', " + arguments.model;
  const std::string signal = " signal " + std::to_string(deadly) + " (" + strsignal(deadly) + ")";
  if (deadly == SIGKILL) {
    throw BackendError("its process was ended by" + signal + ", perhaps because the memory ran out", what,
                       "free memory, or give fewer images");
  }
  throw BackendError("the engine's library died of" + signal, what,
                     "the model may be damaged, or more than this library can run: try another engine");
}

}  // namespace

Command add_predict_command(CLI::App& app) {
  auto arguments = std::make_shared<PredictArguments>();
  CLI::App* command = app.add_subcommand("predict", "Classifies images");
  command->footer(R"help(Of two classes, the probability and the logit are those of class index 1.

Examples:
  stagemark predict pneumonia.ckpt xray.png --classes NORMAL,PNEUMONIA
  stagemark predict pneumonia.ckpt xrays/*.png --json
  stagemark predict pneumonia.onnx xray.png --approach opencv-fp32)help");
  command->add_option("model", arguments->model, "Model file")->required();
  command->add_option("images", arguments->images, "Image files")->required();
  command->add_option("-a,--approach", arguments->approach, "ENGINE-PRECISION[@DEVICE][+OPTION...]")
      ->type_name("SPEC")
      ->capture_default_str();
  command->add_option("--classes", arguments->classes, "Names of the classes in the order of their indices")
      ->type_name("A,B,...");
  const CLI::Option* threshold =
      command->add_option("--threshold", arguments->threshold, "Class 1 if its probability is at least this")
          ->check(CLI::Range(0.0, 1.0))
          ->type_name("T")
          ->capture_default_str();
  command->add_flag("--json", arguments->as_json, "Print one line of JSON per image");
  arguments->quantisation.add_to(*command, "Images for an INT8 approach given a checkpoint");
  arguments->preprocessing.add_to(*command);
  return [arguments, threshold] {
    arguments->threshold_given = threshold->count() > 0;
    return predict(*arguments);
  };
}

}  // namespace stagemark
