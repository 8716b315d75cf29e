"""The HTTP API and the console. Start: `cronhouse serve`, or gunicorn 'services.api.app:create_app()'."""
