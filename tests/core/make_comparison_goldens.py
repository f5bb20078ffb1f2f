#!/usr/bin/env python3
"""Prints the constants of comparison_test, tail_comparison_test, stored_baseline_test, calibration_test, of the upper
bounds in paired_proportions_test and of the t distribution in statistics_test, from NumPy, SciPy and statsmodels (Debian 12: 1.24, 1.10, 0.13).

    python3 tests/core/make_comparison_goldens.py

They stand in the tests, so that those need no Python.
"""
import itertools

import numpy as np
from scipy import optimize, stats
from statsmodels.stats.multitest import multipletests

print("# Student's t")
for t, degrees in [(-2.5, 4), (-1e-3, 4), (-40, 4), (-3, 1), (-6, 13), (-1, 0.5), (1.5, 7), (-8, 200)]:
    print(f"cdf({t}, {degrees}) = {stats.t.cdf(t, degrees):.17g}")
for p, degrees in [(0.975, 4), (0.99, 13), (0.8, 6), (1e-6, 4), (0.5001, 3), (0.01, 1)]:
    print(f"quantile({p}, {degrees}) = {stats.t.ppf(p, degrees):.17g}")

print("# A pair over rounds of one generation, and over five")
rounds = np.array([12, 31, -4, 18, 25, 7, 0, 22, 15, -9, 28, 11, 19, 3, 26, 14, 8, 33, 17, 21]) / 1000
sign = rounds[rounds != 0]
print("sign test p =", repr(stats.binomtest(int((sign > 0).sum()), len(sign)).pvalue))
ordered = np.sort(rounds)
print("order statistics 6, 15 of 20:", repr(np.exp(ordered[5])), repr(np.exp(ordered[14])))
medians = np.array([np.median(part) for part in np.split(rounds, 5)])
low, high = stats.t.interval(0.95, 4, medians.mean(), stats.sem(medians))
print("generation medians", medians, "t interval", repr(np.exp(low)), repr(np.exp(high)))
print("t test p =", repr(stats.ttest_1samp(medians, 0).pvalue))
for margin in [0.05, -0.01, -0.02]:
    beyond = int((-rounds > np.log1p(margin)).sum())
    print(f"margin {margin}: rounds beyond {beyond}",
          "sign beyond", repr(stats.binomtest(beyond, 20, alternative="greater").pvalue),
          "within", repr(stats.binomtest(20 - beyond, 20, alternative="greater").pvalue),
          "t beyond", repr(stats.ttest_1samp(-medians, np.log1p(margin), alternative="greater").pvalue),
          "within", repr(stats.ttest_1samp(-medians, np.log1p(margin), alternative="less").pvalue))

print("# Holm")
p_values = [0.01, 0.04, 0.03, 0.005, 0.5, 0.2, 0.9]
print(multipletests(p_values, method="holm")[1].tolist())

print("# A tail, all swaps of eight rounds of ten")
rng = np.random.RandomState(7)
base = np.round(100 * np.exp(0.05 * rng.randn(8, 10)), 1)
cand = np.round(104 * np.exp(0.05 * rng.randn(8, 10)), 1)
print("baseline", base.tolist())
print("candidate", cand.tolist())
for shift in [0, np.log1p(0.05), np.log1p(-0.02)]:
    observed, values = None, []
    for labels in itertools.product([0, 1], repeat=8):
        swap = np.array(labels)[:, None] == 1
        a = np.where(swap, cand / np.exp(shift), base)
        b = np.where(swap, base, cand / np.exp(shift))
        value = np.log(np.percentile(b, 90)) - np.log(np.percentile(a, 90))
        observed = value if observed is None else observed
        values.append(value)
    values = np.array(values)
    print("shift", shift, "log slowdown", repr(observed), "two-sided", int((abs(values) >= abs(observed) - 1e-9).sum()),
          "at least", int((values >= observed - 1e-9).sum()), "at most", int((values <= observed + 1e-9).sum()), "of 256")
parts = [np.log(np.percentile(cand[i::5], 90)) - np.log(np.percentile(base[i::5], 90)) for i in range(5)]
print("generations", parts, "t p", repr(stats.ttest_1samp(parts, 0).pvalue),
      "speed-up", [repr(v) for v in np.exp(-np.array(stats.t.interval(0.95, 4, np.mean(parts), stats.sem(parts))))])

print("# A stored baseline")
stored = np.log([50.1, 50.9, 49.7, 50.4, 51.0, 50.2])
fresh = np.log([53.9, 54.8, 53.2])
difference = fresh.mean() - stored.mean()
degrees = len(stored) + len(fresh) - 2
pooled = ((len(stored) - 1) * stored.var(ddof=1) + (len(fresh) - 1) * fresh.var(ddof=1)) / degrees
error = np.sqrt(pooled * (1 / len(stored) + 1 / len(fresh)))
half = stats.t.ppf(0.99, degrees) * error
print("slowdown", repr(np.expm1(difference)), "interval", repr(np.expm1(difference - half)), repr(np.expm1(difference + half)))
limit = np.log1p(0.05)
print("beyond", repr(stats.ttest_ind(fresh - limit, stored, alternative="greater").pvalue),
      "within", repr(stats.ttest_ind(fresh - limit, stored, alternative="less").pvalue))
print("# Smallest excess over a margin of 5 %, and the power that a noncentral t gives it")
for stored_runs, new_runs in [(5, 3), (10, 3), (10, 5), (20, 5)]:
    degrees = stored_runs + new_runs - 2
    shift = stats.t.ppf(0.99, degrees) + stats.t.ppf(0.8, degrees)
    print(stored_runs, new_runs, "power", stats.nct.sf(stats.t.ppf(0.99, degrees), degrees, shift))

print("# Calibration: analysis of variance of unequal generations")
groups = [rounds[:4], rounds[4:9] + 0.01, rounds[9:12] - 0.02, rounds[12:]]
n = np.array([len(g) for g in groups])
within = sum(((g - g.mean()) ** 2).sum() for g in groups) / (n.sum() - len(n))
grand = np.concatenate(groups).mean()
between = (n * (np.array([g.mean() for g in groups]) - grand) ** 2).sum() / (len(n) - 1)
f, _ = stats.f_oneway(*groups)
assert abs(f - between / within) < 1e-9
typical = (n.sum() - (n ** 2).sum() / n.sum()) / (len(n) - 1)
print("between_round_sd", repr(np.sqrt(within)), "between_process_sd", repr(np.sqrt((between - within) / typical / 2)))

print("# Upper bound of the drop, one-sided 95 %: score test with the likelihood maximised under the drop")


def score(harmful, helpful, n, drop):
    def loss(rate):
        return -(harmful * np.log(rate + drop) + helpful * np.log(rate) + (n - harmful - helpful) * np.log(1 - 2 * rate - drop))
    rate = 0
    if helpful > 0:
        rate = optimize.minimize_scalar(loss, bounds=(1e-9, (1 - drop) / 2 - 1e-9), method="bounded",
                                        options={"xatol": 1e-13}).x
    return (harmful - helpful - n * drop) / np.sqrt(n * (2 * rate + drop * (1 - drop)))


for case in [(0, 0, 624), (1, 0, 624), (1, 1, 624), (2, 2, 624), (5, 5, 624), (0, 0, 1000), (1, 0, 1000), (2, 2, 1000),
             (5, 5, 1000), (10, 10, 5000)]:
    bound = optimize.brentq(lambda drop: score(*case, drop) + stats.norm.ppf(0.95), 1e-6, 0.3, xtol=1e-14)
    print(*case, f"{bound:.10f}")
