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
#include "stagemark/core/calibration.hpp"
#include "stagemark/core/comparison.hpp"
#include "stagemark/core/duration.hpp"
#include "stagemark/core/error.hpp"
#include "stagemark/core/gate.hpp"
#include "stagemark/core/metrics.hpp"
#include "stagemark/core/paired_auroc.hpp"
#include "stagemark/core/paired_proportions.hpp"
#include "stagemark/core/random.hpp"
#include "stagemark/core/sha256.hpp"
#include "stagemark/core/stage.hpp"
#include "stagemark/core/stage_timer.hpp"
#include "stagemark/core/statistics.hpp"
#include "stagemark/core/stored_baseline.hpp"
#include "stagemark/core/tail_comparison.hpp"
#include "stagemark/model/activation_ranges.hpp"
#include "stagemark/model/checkpoint.hpp"
#include "stagemark/model/checkpoint_writer.hpp"
#include "stagemark/model/model_format.hpp"
#include "stagemark/model/network.hpp"
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
#if __has_include("stagemark/baseline.hpp")
#include "stagemark/baseline.hpp"
#endif
#if __has_include("stagemark/images/images.hpp")
#include "stagemark/images/images.hpp"
#endif
#if __has_include("stagemark/model/onnx_export.hpp")
#include "stagemark/model/onnx_export.hpp"
#endif
#if __has_include("stagemark/report/json.hpp")
#include "stagemark/report/atomic_file.hpp"
#include "stagemark/report/calibration.hpp"
#include "stagemark/report/column.hpp"
#include "stagemark/report/comparison.hpp"
#include "stagemark/report/continuation.hpp"
#include "stagemark/report/environment.hpp"
#include "stagemark/report/finding.hpp"
#include "stagemark/report/gate.hpp"
#include "stagemark/report/html.hpp"
#include "stagemark/report/json.hpp"
#include "stagemark/report/or_reason.hpp"
#include "stagemark/report/report.hpp"
#include "stagemark/report/timestamp.hpp"
#include "stagemark/report/tool.hpp"
#endif
