"""The HTTP API and the console. Start it with `cronhouse serve`, or gunicorn 'services.api.app:create_app()'."""
