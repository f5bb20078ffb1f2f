#!/usr/bin/env bash
# Runs the shell of the README's CI recipe as a runner would: recipe_test.sh SOURCE STAGEMARK MADE_NETWORK DIRECTORY
set -euo pipefail
source=$1 stagemark=$2 made_network=$3 directory=$4
rm -rf "$directory"
mkdir -p "$directory/models" "$directory/path"
cd "$directory"
ln -s "$stagemark" path/stagemark
export PATH=$PWD/path:$PATH GITHUB_STEP_SUMMARY=$PWD/summary.md

stagemark sample images --images 12 --no-model
"$made_network" models/released.ckpt
cp models/released.ckpt models/new.ckpt

# The block under "run: |" of the step that judges, without its indentation.
awk '/- name: Judge/ {step = 1} step && /run: \|/ {inside = 1; next}
     inside && !/^          / {exit} inside {print substr($0, 11)}' "$source/README.md" >step.sh
[ -s step.sh ]
status=0
bash -eo pipefail step.sh || status=$?
# The same model twice is no regression. Whether so few images on a busy machine tell enough is not asked here.
[ "$status" = 0 ] || [ "$status" = 5 ]
grep -q '<testcase classname="new" name="total:median">' gate.xml
grep -q '| pass | new | accuracy |' summary.md
[ -s results/report.json ]
