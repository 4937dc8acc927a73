# Every source of ours, by name: a file that is not listed is not built.

set(AUTOCOG_ENGINE_SOURCES
  native/engine/assertion.cc
  native/engine/backend.cc
  native/engine/batch.cc
  native/engine/context.cc
  native/engine/cpu_check.cc
  native/engine/generator.cc
  native/engine/job_thread.cc
  native/engine/log.cc
  native/engine/log_softmax.cc
  native/engine/memory.cc
  native/engine/model.cc
  native/engine/model_file.cc
  native/engine/prefix_cache.cc
  native/engine/quantize.cc
  native/engine/session.cc
  native/engine/status.cc
  native/engine/thread_pool.cc
  native/engine/token_tree.cc
  native/engine/tree_scorer.cc
  native/engine/vocabulary.cc
  native/engine/wave_planner.cc
)

set(AUTOCOG_ADDON_SOURCES
  native/addon/environment.cc
  native/addon/errors.cc
  native/addon/exports.cc
  native/addon/model_wrap.cc
  native/addon/options.cc
  native/addon/session_wrap.cc
  native/addon/values.cc
)

set(AUTOCOG_TEST_SOURCES
  native/test/check.cc
  native/test/job_thread_test.cc
  native/test/log_softmax_test.cc
  native/test/model_test.cc
  native/test/session_test.cc
  native/test/wave_planner_test.cc
)
