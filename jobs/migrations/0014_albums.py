"""Albums, and links to an album or to one photo. Links of before stay links to a job."""

import uuid
from datetime import datetime, timezone

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):

    dependencies = [
        ('jobs', '0013_draft_steps'),
    ]

    operations = [
        migrations.CreateModel(
            name='Album',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=120)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('cover', models.ForeignKey(blank=True, help_text='Its first photo where there is none.', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='jobs.asset')),
                ('owner', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='albums', to='jobs.owner')),
            ],
            options={
                'verbose_name': 'album',
                'indexes': [models.Index(fields=['owner', '-created_at', '-id'], name='album_owner_created')],
            },
        ),
        migrations.CreateModel(
            name='AlbumPhoto',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('position', models.PositiveIntegerField()),
                ('album', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='places', to='jobs.album')),
                ('asset', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='places', to='jobs.asset')),
            ],
            options={
                'verbose_name': 'photo of an album',
                'verbose_name_plural': 'photos of albums',
                'indexes': [models.Index(fields=['album', 'position'], name='album_photo_order')],
                'constraints': [models.UniqueConstraint(fields=('album', 'asset'), name='album_photo_once')],
            },
        ),
        migrations.AlterField('sharelink', 'job', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='shares', to='jobs.job')),
        migrations.AddField('sharelink', 'asset', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='shares', to='jobs.asset')),
        migrations.AddField('sharelink', 'album', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='shares', to='jobs.album')),
        migrations.AddField('sharelink', 'views', models.PositiveIntegerField(default=0, help_text='How often it was opened, but for its owner.')),
        migrations.AddField('sharelink', 'zips', models.PositiveIntegerField(default=0, help_text='Archives sent since `zips_since`.')),
        migrations.AddField('sharelink', 'zips_since', models.DateTimeField(default=datetime(1970, 1, 1, tzinfo=timezone.utc))),
        migrations.AddConstraint(
            'sharelink',
            models.CheckConstraint(
                condition=Q(job__isnull=False, asset=None, album=None)
                | Q(job=None, asset__isnull=False, album=None)
                | Q(job=None, asset=None, album__isnull=False),
                name='share_link_of_one',
            ),
        ),
    ]
