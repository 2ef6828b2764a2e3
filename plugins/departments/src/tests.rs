use plugin_api as _;
