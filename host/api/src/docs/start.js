// Beside /api/docs, so that it works below any prefix.
SwaggerUIBundle({
  url: new URL("v1/openapi.json", document.baseURI).href,
  dom_id: "#reference",
  presets: [SwaggerUIBundle.presets.apis],
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  // Tokens last ten minutes; none is kept.
  persistAuthorization: false,
  validatorUrl: null,
});
