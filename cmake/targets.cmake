# Our own targets: the engine as a static library, its tests and the addon. Only these are built with our warnings.

function(autocog_warnings target)
  if(MSVC)
    target_compile_options(${target} PRIVATE /W4 $<$<BOOL:${AUTOCOG_WERROR}>:/WX>)
  else()
    target_compile_options(${target} PRIVATE -Wall -Wextra $<$<BOOL:${AUTOCOG_WERROR}>:-Werror>)
  endif()
endfunction()

add_library(autocog_engine STATIC ${AUTOCOG_ENGINE_SOURCES})
target_include_directories(autocog_engine PUBLIC ${CMAKE_CURRENT_SOURCE_DIR}/native)
# For llama-ext.h, which measures the memory of a context and builds its graphs.
set_source_files_properties(
  native/engine/context/cell_values.cc native/engine/context/sequence_memory.cc native/engine/model/graph_check.cc
  native/engine/model/memory.cc
  PROPERTIES
  INCLUDE_DIRECTORIES ${CMAKE_CURRENT_SOURCE_DIR}/llama.cpp/src)
target_link_libraries(autocog_engine PUBLIC llama)
autocog_warnings(autocog_engine)

if(AUTOCOG_TESTS)
  add_executable(engine_tests ${AUTOCOG_TEST_SOURCES})
  target_link_libraries(engine_tests PRIVATE autocog_engine)
  set_target_properties(engine_tests PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${AUTOCOG_PROGRAMS})
  autocog_warnings(engine_tests)
endif()

if(NOT CMAKE_JS_VERSION)
  return()
endif()

add_library(autocog MODULE ${AUTOCOG_ADDON_SOURCES} ${CMAKE_JS_SRC})
set_target_properties(autocog PROPERTIES PREFIX "" SUFFIX ".node")
target_include_directories(autocog SYSTEM PRIVATE ${CMAKE_JS_INC})
# The compiler's C++ exceptions stay enabled, since llama.cpp throws and the engine catches; none crosses N-API.
target_compile_definitions(autocog PRIVATE
  NAPI_VERSION=8 NODE_ADDON_API_DISABLE_DEPRECATED NAPI_DISABLE_CPP_EXCEPTIONS
  # A terminating worker thread rejects every N-API call; a promise that settles then must not abort the process.
  NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS)
target_link_libraries(autocog PRIVATE autocog_engine ${CMAKE_JS_LIB})
autocog_warnings(autocog)
autocog_self_contained(autocog)
if(AUTOCOG_VARIANTS AND CMAKE_SYSTEM_NAME STREQUAL "Linux")
  target_compile_definitions(autocog PRIVATE AUTOCOG_OWN_ARC4RANDOM)
endif()

if(MINGW)
  autocog_import_node(autocog)
endif()
if(MSVC AND CMAKE_JS_NODELIB_DEF AND CMAKE_JS_NODELIB_TARGET)
  execute_process(COMMAND ${CMAKE_AR} /def:${CMAKE_JS_NODELIB_DEF} /out:${CMAKE_JS_NODELIB_TARGET} ${CMAKE_STATIC_LINKER_FLAGS})
endif()
