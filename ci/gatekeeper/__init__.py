"""gatekeeper: the parts of ci/gate. Standard library only.

stages       the table: what there is to run, what each needs, in which sizes of the gate
run          carries stages out side by side, with progress
stage_*      what the stages do
change       what a branch changes, and what that says about budgets
machine      commands, trees, tables in C
report, page what came out: table, JSON, JUnit, SARIF; the page for reading
"""
