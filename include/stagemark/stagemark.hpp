#pragma once

// Everything, for trying out. A program that lasts includes what it uses, and links only that.
#include "stagemark/backend/approach.hpp"
#include "stagemark/backend/device_backend.hpp"
#include "stagemark/backend/host_backend.hpp"
#include "stagemark/backend/image.hpp"
#include "stagemark/backend/inference_wrapper.hpp"
#include "stagemark/backend/preprocessor.hpp"
#include "stagemark/backend/read_out.hpp"
#include "stagemark/backend/registry.hpp"
#include "stagemark/backends/null.hpp"
#include "stagemark/core/atomic_file.hpp"
#include "stagemark/core/duration.hpp"
#include "stagemark/core/error.hpp"
#include "stagemark/core/margin.hpp"
#include "stagemark/core/metrics.hpp"
#include "stagemark/core/noise_estimate.hpp"
#include "stagemark/core/number_text.hpp"
#include "stagemark/core/or_reason.hpp"
#include "stagemark/core/paired_auroc.hpp"
#include "stagemark/core/paired_proportions.hpp"
#include "stagemark/core/random.hpp"
#include "stagemark/core/sha256.hpp"
#include "stagemark/core/speed_comparison.hpp"
#include "stagemark/core/stage.hpp"
#include "stagemark/core/stage_timer.hpp"
#include "stagemark/core/statistics.hpp"
#include "stagemark/core/stored_baseline.hpp"
#include "stagemark/core/tail_comparison.hpp"
#include "stagemark/judgement/compare.hpp"
#include "stagemark/judgement/continuation.hpp"
#include "stagemark/judgement/gate.hpp"
#include "stagemark/judgement/machine_noise.hpp"
#include "stagemark/judgement/make_report.hpp"
#include "stagemark/machine/environment.hpp"
#include "stagemark/machine/finding.hpp"
#include "stagemark/model/activation_ranges.hpp"
#include "stagemark/model/checkpoint.hpp"
#include "stagemark/model/checkpoint_writer.hpp"
#include "stagemark/model/model_format.hpp"
#include "stagemark/model/network.hpp"
#include "stagemark/report/column.hpp"
#include "stagemark/report/report.hpp"
#include "stagemark/report/timestamp.hpp"
#include "stagemark/report/tool.hpp"
#include "stagemark/suite/benchmark_suite.hpp"
#include "stagemark/suite/dataset.hpp"
#include "stagemark/suite/results_collector.hpp"
#include "stagemark/suite/run_observer.hpp"
#include "stagemark/suite/run_plan.hpp"
#include "stagemark/suite/worker.hpp"

// What needs a package was installed where it was built with it.
#if __has_include("stagemark/backends/libtorch.hpp")
#include "stagemark/backends/libtorch.hpp"
#endif
#if __has_include("stagemark/backends/onnxruntime.hpp")
#include "stagemark/backends/onnxruntime.hpp"
#endif
#if __has_include("stagemark/backends/opencv_dnn.hpp")
#include "stagemark/backends/opencv_dnn.hpp"
#endif
#if __has_include("stagemark/images/images.hpp")
#include "stagemark/images/images.hpp"
#endif
#if __has_include("stagemark/model/onnx_export.hpp")
#include "stagemark/model/onnx_export.hpp"
#endif
#if __has_include("stagemark/format/console.hpp")
#include "stagemark/format/console.hpp"
#include "stagemark/format/console_table.hpp"
#include "stagemark/format/display_text.hpp"
#include "stagemark/format/html.hpp"
#include "stagemark/format/json.hpp"
#include "stagemark/format/json_object.hpp"
#include "stagemark/format/junit.hpp"
#include "stagemark/format/markdown.hpp"
#endif
#if __has_include("stagemark/session/baseline.hpp")
#include "stagemark/session/baseline.hpp"
#endif
