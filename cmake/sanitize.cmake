# Puts AUTOCOG_SANITIZE on llama.cpp and on our own code alike. -O1 with line tables: reports name lines, and the whole
# of llama.cpp still builds in minutes. Included before the vendored tree is added.
if(AUTOCOG_SANITIZE)
  list(JOIN AUTOCOG_SANITIZE "," sanitizers)
  set(CMAKE_C_FLAGS_RELEASE "-O1 -gline-tables-only")
  set(CMAKE_CXX_FLAGS_RELEASE "-O1 -gline-tables-only")
  add_compile_options(-fsanitize=${sanitizers} -fno-omit-frame-pointer)
  # Function clones are chosen while the program is loaded, before the sanitizers have started.
  add_compile_definitions(AUTOCOG_NO_CLONES)
  add_link_options(-fsanitize=${sanitizers})
endif()
