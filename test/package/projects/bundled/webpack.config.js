// The projects that share the sources import them with the suffix that ES modules need.
module.exports = (options) => ({
  ...options,
  resolve: { ...options.resolve, extensionAlias: { '.js': ['.ts', '.js'] } },
});
