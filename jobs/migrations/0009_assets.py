"""What was uploaded and what was made stand in one table: photos and outputs keep their ids and become assets."""

import uuid

import django.db.models.deletion
from django.db import migrations, models

import ml.core.formats

PHOTOS = """
INSERT INTO jobs_asset (
    id, owner_id, name, kind, format, file, width, height, frames, seconds, bytes, sha256, color, notes, note,
    created_at, attempt, position, output, words, favourite, alone
)
SELECT
    id, owner_id, name, kind, format, file, width, height, frames, seconds, bytes, sha256, color, notes, note,
    created_at, 0, 0, '', '', false, true
FROM jobs_photo
"""

# A result belongs to the photo of its first input, where that is still there. What an older version kept is PNG, JPEG
# or WebP, or one of the three other kinds of files that there were.
OUTPUTS = """
INSERT INTO jobs_asset (
    id, owner_id, name, kind, format, file, width, height, frames, seconds, bytes, sha256, color, notes, note,
    created_at, made_by_id, attempt, position, output, original_id, words, favourite, alone
)
SELECT
    made.id, job.owner_id, '',
    CASE made.media_type
        WHEN 'video/mp4' THEN 'video'
        WHEN 'application/zip' THEN 'archive'
        WHEN 'application/x-safetensors' THEN 'model'
        ELSE 'image'
    END,
    CASE made.media_type
        WHEN 'video/mp4' THEN 'mp4'
        WHEN 'application/zip' THEN 'zip'
        WHEN 'application/x-safetensors' THEN 'safetensors'
        WHEN 'image/jpeg' THEN 'jpeg'
        WHEN 'image/webp' THEN 'webp'
        ELSE 'png'
    END,
    made.file, COALESCE(made.width, 0), COALESCE(made.height, 0), 1, 0, made.bytes, made.sha256, made.color, '[]', '',
    COALESCE(job.finished_at, job.created_at), made.job_id, made.attempt, made.position, made.name,
    (
        SELECT used.photo_id FROM jobs_jobinput used
        WHERE used.job_id = made.job_id AND used.photo_id IS NOT NULL ORDER BY used.id LIMIT 1
    ),
    '', false,
    NOT EXISTS (SELECT 1 FROM jobs_jobinput used WHERE used.job_id = made.job_id AND used.photo_id IS NOT NULL)
FROM jobs_output made JOIN jobs_job job ON job.id = made.job_id
"""


def copy(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(PHOTOS)
        cursor.execute(OUTPUTS)
        counted = [_count(cursor, table) for table in ("jobs_asset", "jobs_photo", "jobs_output")]
        assert counted[0] == counted[1] + counted[2], counted
        if schema_editor.connection.vendor == "postgresql":  # which changes no table while rows wait to be checked
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def _count(cursor, table):
    cursor.execute(f"SELECT count(*) FROM {table}")
    return cursor.fetchone()[0]


class Migration(migrations.Migration):

    dependencies = [
        ('jobs', '0008_before_assets'),
    ]

    operations = [
        migrations.CreateModel(
            name='Asset',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('name', models.CharField(blank=True, help_text='What its owner called the file.', max_length=120)),
                ('kind', models.CharField(choices=[(kind, kind) for kind in ml.core.formats.Kind], max_length=16)),
                ('format', models.CharField(max_length=16)),
                ('file', models.FileField(max_length=200, upload_to='')),
                ('width', models.PositiveIntegerField(default=0, help_text='In pixels; 0 for what is no picture.')),
                ('height', models.PositiveIntegerField(default=0)),
                ('frames', models.PositiveIntegerField(default=1)),
                ('seconds', models.FloatField(default=0)),
                ('bytes', models.PositiveBigIntegerField()),
                ('sha256', models.CharField(max_length=64)),
                ('color', models.CharField(default='#808080', help_text='Holds its place on a page.', max_length=7)),
                ('notes', models.JSONField(blank=True, default=list, help_text='What was changed knowingly on the way in: messages.')),
                ('note_text', models.CharField(blank=True, db_column='note', help_text='The same as versions before kept it, in words.', max_length=300)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('attempt', models.PositiveIntegerField(default=0, help_text='Of the job that made it.')),
                ('position', models.PositiveSmallIntegerField(default=0, help_text='Among the outputs of its job.')),
                ('output', models.CharField(blank=True, help_text='Which of the outputs of its job it is; empty for an upload.', max_length=64)),
                ('alone', models.BooleanField(default=True, help_text='Stands for itself in the library: it is no version of a photo at hand.')),
                ('words', models.CharField(blank=True, max_length=500, help_text='By which it is found beside its name: each between blanks, in lower case.')),
                ('favourite', models.BooleanField(default=False)),
                ('trashed_at', models.DateTimeField(blank=True, null=True)),
                ('made_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='outputs', to='jobs.job')),
                ('original', models.ForeignKey(help_text='The photo that it descends from; none where there was none, or is none any more.', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='versions', to='jobs.asset')),
                ('owner', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='assets', to='jobs.owner')),
            ],
            options={'verbose_name': 'photo', 'ordering': ['position']},
        ),
        migrations.RunPython(copy, migrations.RunPython.noop),
        migrations.AlterField('jobinput', 'photo', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='uses', to='jobs.asset')),
        migrations.RenameField('jobinput', 'photo', 'asset'),
        migrations.DeleteModel('Output'),
        migrations.DeleteModel('Photo'),
        migrations.AddIndex('asset', models.Index(condition=models.Q(('alone', True), ('trashed_at', None)), fields=['owner', '-created_at', '-id'], name='asset_library')),
        migrations.AddIndex('asset', models.Index(condition=models.Q(('alone', True), ('trashed_at', None)), fields=['owner', 'name', 'words'], name='asset_search')),
        migrations.AddIndex('asset', models.Index(fields=['owner', '-created_at', '-id'], name='asset_owner_created')),
        migrations.AddIndex('asset', models.Index(condition=models.Q(('favourite', True)), fields=['owner'], name='asset_favourite')),
        migrations.AddIndex('asset', models.Index(fields=['-created_at'], name='asset_created')),
        migrations.AddIndex('asset', models.Index(condition=models.Q(('trashed_at__isnull', False)), fields=['owner', 'trashed_at'], name='asset_trash')),
        migrations.AddIndex('asset', models.Index(fields=['sha256'], name='asset_sha256')),
        migrations.AddConstraint('asset', models.UniqueConstraint(condition=models.Q(('made_by__isnull', False)), fields=('made_by', 'position'), name='asset_place')),
    ]
