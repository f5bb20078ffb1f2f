// Draws the charts of the report from the figures in the page. Everything that was computed was computed before.
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  // Okabe & Ito's colours, told apart by all kinds of eyes; dashes and shapes say the same once more.
  const colours = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#999999", "#b8a800"];
  const dashes = [[], [8, 4], [2, 3], [8, 3, 2, 3], [12, 4], [4, 4], [1, 4], [10, 2]];
  const shapes = ["circle", "rect", "triangle", "rectRot", "star", "cross", "crossRot", "dash"];
  // Tol's muted colours: a stage must not look like an approach.
  const stageColours = ["#332288", "#88ccee", "#44aa99", "#117733", "#ddcc77", "#cc6677", "#882255", "#aaaaaa"];
  const colour = (i) => colours[i % colours.length];
  const charts = [];

  const line = (approach, i, points, more = {}) => ({
    label: approach.name, data: points, borderColor: colour(i), backgroundColor: colour(i), borderDash: dashes[i % dashes.length],
    borderWidth: 2, pointRadius: points.length < 3 ? 4 : 0, pointStyle: shapes[i % shapes.length], showLine: true, tension: 0, order: -i, ...more,
  });
  const axis = (text, more = {}) => ({ title: { display: true, text }, ...more });
  const scatter = (datasets, x, y) => ({
    type: "scatter", data: { datasets },
    options: { animation: false, responsive: true, maintainAspectRatio: false, scales: { x, y },
               interaction: { mode: "nearest", intersect: false },
               // Later approaches lie on top, so that dashes show over a line that they cover; the legend keeps its order.
               plugins: { legend: { reverse: true, labels: { filter: (item) => item.text !== "" } } } },
  });
  const points = (pairs) => pairs.map(([x, y]) => ({ x, y }));
  const diagonal = { label: "", data: [{ x: 0, y: 0 }, { x: 1, y: 1 }], borderColor: "#888888", borderDash: [3, 3], borderWidth: 1,
                     pointRadius: 0, showLine: true };
  const unitAxis = (text) => axis(text, { type: "linear", min: 0, max: 1 });

  const builders = {
    stages() {
      const stages = data.stages;
      return {
        type: "bar",
        data: {
          labels: data.approaches.map((a) => a.name),
          datasets: stages.map((stage, i) => ({ label: stage, data: data.approaches.map((a) => a.parts[stage] ?? 0), backgroundColor: stage === "unattributed" ? "#aaaaaa" : stageColours[i % (stageColours.length - 1)] })),
        },
        options: { animation: false, indexAxis: "y", responsive: true, maintainAspectRatio: false,
                   scales: { x: axis(`mean, ${data.time_unit}`, { stacked: true }), y: { stacked: true } } },
      };
    },
    distribution(logarithmic) {
      const sets = data.approaches.flatMap((a, i) => [
        line(a, i, points(a.distribution), { stepped: "before" }),
        { label: "", data: a.quantiles.map((q) => ({ x: q.value, y: q.p })), borderColor: colour(i), backgroundColor: colour(i),
          pointStyle: shapes[i % shapes.length], pointRadius: 5, showLine: false },
        ...a.quantiles.filter((q) => q.upper !== null).map((q) => ({
          label: "", data: [{ x: q.value, y: q.p }, { x: q.upper, y: q.p }], borderColor: colour(i), borderWidth: 2, pointRadius: 0, showLine: true })),
      ]);
      return scatter(sets, axis(`total, ${data.time_unit}`, { type: logarithmic ? "logarithmic" : "linear" }), unitAxis("share of calls at or below"));
    },
    time() {
      return scatter(data.approaches.map((a, i) => line(a, i, points(a.over_time), { pointRadius: a.over_time.length > 200 ? 0 : 2 })),
                     axis("round"), axis(`median of total, ${data.time_unit}`));
    },
    tradeoff() {
      const sets = data.approaches.filter((a) => a.accuracy).flatMap((a, i) => [
        { label: a.name, data: [{ x: a.median, y: a.accuracy.value }], borderColor: colour(i), backgroundColor: colour(i),
          pointStyle: shapes[i % shapes.length], pointRadius: 7, order: -i },
        { label: "", data: [{ x: a.median, y: a.accuracy.low }, { x: a.median, y: a.accuracy.high }], borderColor: colour(i), borderWidth: 2, pointRadius: 0, showLine: true },
        ...(a.median_interval ? [{ label: "", data: [{ x: a.median_interval[0], y: a.accuracy.value }, { x: a.median_interval[1], y: a.accuracy.value }],
          borderColor: colour(i), borderWidth: 2, pointRadius: 0, showLine: true }] : []),
      ]);
      return scatter(sets, axis(`median of total, ${data.time_unit}`, { type: "linear", beginAtZero: true }), axis("accuracy, %"));
    },
    roc() {
      return scatter([...data.approaches.filter((a) => a.roc.length).map((a, i) => line(a, i, points(a.roc))), diagonal],
                     unitAxis("false positive rate"), unitAxis("true positive rate"));
    },
    precision_recall() {
      return scatter(data.approaches.filter((a) => a.precision_recall.length).map((a, i) => line(a, i, points(a.precision_recall))),
                     unitAxis("recall"), unitAxis("precision"));
    },
    calibration() {
      return scatter([...data.approaches.filter((a) => a.calibration.length)
        .map((a, i) => line(a, i, points(a.calibration), { pointRadius: 4 })), diagonal],
        unitAxis("mean probability"), unitAxis("share positive"));
    },
  };

  const marks = (chart) => chart.data.datasets.reduce((sum, set, i) => sum + chart.getDatasetMeta(i).data.length, 0);
  const style = () => {
    const now = getComputedStyle(document.documentElement);
    Chart.defaults.color = now.getPropertyValue("--text").trim();
    Chart.defaults.borderColor = now.getPropertyValue("--line").trim();
    Chart.defaults.plugins.legend.labels.usePointStyle = true;
    Chart.defaults.font.family = "system-ui, sans-serif";
  };
  const draw = () => {
    charts.splice(0).forEach((chart) => chart.destroy());
    style();
    for (const figure of document.querySelectorAll("figure[data-chart]")) {
      const canvas = figure.querySelector("canvas");
      const chart = new Chart(canvas, builders[figure.dataset.chart](figure.dataset.logarithmic === "yes"));
      canvas.dataset.marks = String(marks(chart));
      charts.push(chart);
    }
  };
  for (const button of document.querySelectorAll("button[data-logarithmic]")) {
    button.addEventListener("click", () => {
      const figure = button.closest("figure");
      const on = figure.dataset.logarithmic !== "yes";
      figure.dataset.logarithmic = on ? "yes" : "no";
      button.setAttribute("aria-pressed", String(on));
      draw();
    });
  }
  for (const button of document.querySelectorAll("button[data-copy]")) {
    button.addEventListener("click", () => {
      const range = document.createRange();
      range.selectNodeContents(document.getElementById(button.dataset.copy));
      getSelection().removeAllRanges();
      getSelection().addRange(range);
      document.execCommand("copy");
    });
  }
  if (typeof Chart === "undefined") {
    for (const figure of document.querySelectorAll("figure .chart")) figure.textContent = "This stagemark was built without Chart.js.";
    return;
  }
  draw();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  addEventListener("beforeprint", draw);
  addEventListener("afterprint", draw);
})();
