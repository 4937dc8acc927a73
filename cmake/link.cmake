# How the addon and, with variants, ggml's shared libraries are linked.

function(autocog_self_contained target)
  if(APPLE)
    set_target_properties(${target} PROPERTIES BUILD_WITH_INSTALL_RPATH ON INSTALL_RPATH "@loader_path")
  elseif(UNIX)
    set_target_properties(${target} PROPERTIES BUILD_WITH_INSTALL_RPATH ON INSTALL_RPATH "$ORIGIN")
    target_link_options(${target} PRIVATE
      # Another copy of llama.cpp in the same process must not resolve to our symbols.
      -Wl,--exclude-libs,ALL
      # A symbol that is not defined anywhere fails when the library is loaded, not when it is called.
      -Wl,-z,now -Wl,--gc-sections)
    if(NOT AUTOCOG_NATIVE)
      # Not libgcc: exceptions that cross libraries need one unwinder, and Node itself needs libgcc_s.
      target_link_options(${target} PRIVATE -static-libstdc++)
    endif()
  endif()
endfunction()
