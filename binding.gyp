# A shim: node-gyp rebuild, which prebuildify runs, delegates to CMakeLists.txt by way of cmake-js.
{
  "targets": [
    {
      "target_name": "autocog",
      "type": "none",
      "actions": [
        {
          "action_name": "cmake-js",
          "inputs": ["CMakeLists.txt"],
          "outputs": ["build/Release/autocog.node"],
          "action": ["node", "scripts/build-native.mjs"]
        }
      ]
    }
  ]
}
